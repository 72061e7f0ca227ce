import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Application, Environ } from 'wsgi-edge';
import { html } from '../html.ts';
import { multipart } from '../multipart.ts';
import { link, page, refusal } from '../page.ts';

const BLOCK = 65_536; // bytes

/** A form's file is answered with a page, any other body (curl --data-binary @file) with one line of text. */
export const upload: Application = async (environ, startResponse) => {
  if (environ.REQUEST_METHOD !== 'POST')
    return page(environ, startResponse, { title: 'Upload', content: ask(environ) });
  const boundary = boundaryOf(environ.CONTENT_TYPE ?? '');
  if (boundary === undefined) {
    const { sum, size } = await hashBody(environ);
    startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
    return [new TextEncoder().encode(`${sum}  ${size} bytes\n`)];
  }
  try {
    const files = await hashFiles(environ, boundary);
    return page(environ, startResponse, {
      title: 'Upload',
      content: html`<h2>Received</h2>${files.map(
        ({ name, sum, size }) => html`<dl class="sum"><dt>File</dt><dd>${name || 'without a name'}</dd>
<dt>Bytes</dt><dd>${size}</dd>
<dt>SHA-256</dt><dd><code>${sum}</code></dd></dl>`,
      )}${ask(environ)}`,
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refusal(environ, startResponse, '400 Bad Request', `This is no multipart form: ${error.message}.`);
  }
};

/** wsgi.input is a stream: read(size) gives up to so many bytes, and none at the end. However big the body is, one block
 *  of it is in memory. */
async function hashBody(environ: Environ): Promise<{ sum: string; size: number }> {
  const hash = sha256.create();
  let size = 0;
  for (;;) {
    const block = await environ['wsgi.input'].read(BLOCK);
    if (block.length === 0) break;
    hash.update(block);
    size += block.length;
  }
  return { sum: bytesToHex(hash.digest()), size };
}

async function hashFiles(
  environ: Environ,
  boundary: string,
): Promise<Array<{ name: string; sum: string; size: number }>> {
  const files: Array<{ name: string; size: number; hash: ReturnType<typeof sha256.create> }> = [];
  for await (const piece of multipart(environ['wsgi.input'], boundary)) {
    const file = files.at(-1);
    if (typeof piece === 'string') {
      if (files.length === MAX_FILES) throw new SyntaxError(`it has more than ${MAX_FILES} parts`);
      files.push({ name: /\bfilename="([^"]*)"/i.exec(piece)?.[1] ?? '', size: 0, hash: sha256.create() });
    } else if (file !== undefined) {
      file.hash.update(piece);
      file.size += piece.length;
    }
  }
  return files.map(({ name, size, hash }) => ({ name, size, sum: bytesToHex(hash.digest()) }));
}

const MAX_FILES = 100;

function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  return match?.[1] ?? match?.[2] ?? '';
}

const ask = (
  environ: Environ,
) => html`<form action="${link(environ, '/upload')}" method="post" enctype="multipart/form-data">
<p><label for="file">A file, which is not kept</label>
<input id="file" name="file" type="file" required></p>
<button>Send it and see its SHA-256</button>
</form>
<h2>From a terminal</h2>
<pre tabindex="0"><code>curl --data-binary @file -H 'Content-Type: application/octet-stream' <var>this page</var></code></pre>
`;
