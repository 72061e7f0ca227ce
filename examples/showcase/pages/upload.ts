import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Application, Environ } from 'wsgi-edge';
import { form, html, text } from 'wsgi-edge/http';
import { link, page } from '../page.ts';

const BLOCK = 65_536; // bytes

/** A form's file is answered with a page, any other body (curl --data-binary @file) with one line of text. */
export async function upload(environ: Environ): Promise<Application> {
  if (environ.REQUEST_METHOD !== 'POST') return page(environ, { title: 'Upload', content: ask(environ) });
  if (!/^multipart\/form-data\b/i.test(environ.CONTENT_TYPE ?? '')) {
    const { sum, size } = await hashOf(blocks(environ));
    return text(`${sum}  ${size} bytes\n`);
  }
  const files: Array<{ name: string; sum: string; size: number }> = [];
  await form(environ, {
    // Called when a file begins; its bytes are read while they come in.
    async onFile(file) {
      files.push({ name: file.filename, ...(await hashOf(file)) });
    },
  });
  return page(environ, {
    title: 'Upload',
    content: html`<h2>Received</h2>${files.map(
      ({ name, sum, size }) => html`<dl class="sum"><dt>File</dt><dd>${name || 'without a name'}</dd>
<dt>Bytes</dt><dd>${size}</dd>
<dt>SHA-256</dt><dd><code>${sum}</code></dd></dl>`,
    )}${ask(environ)}`,
  });
}

/** wsgi.input is a stream: read(size) gives up to so many bytes, and none at the end. However big the body is, one block
 *  of it is in memory. */
async function* blocks(environ: Environ): AsyncGenerator<Uint8Array> {
  for (;;) {
    const block = await environ['wsgi.input'].read(BLOCK);
    if (block.length === 0) return;
    yield block;
  }
}

async function hashOf(source: AsyncIterable<Uint8Array>): Promise<{ sum: string; size: number }> {
  const hash = sha256.create();
  let size = 0;
  for await (const block of source) {
    hash.update(block);
    size += block.length;
  }
  return { sum: bytesToHex(hash.digest()), size };
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
