import { inputOf } from '../src/input-stream.js';
import { bytesToText, decodeNative, textToBytes } from '../src/native-string.js';
import type { Environ, HeaderList, Middleware } from '../src/types.js';

/** A recorded request, as it stands in a file. Strings are ordinary text. */
export interface RecordedRequest {
  method: string;
  /** The path and query, percent-encoded. */
  target: string;
  headers: HeaderList;
  /** In base64. */
  body?: string;
  /** The names of headers and fields whose values were left out, because they look like secrets. */
  leftOut: string[];
  /** The strings of environ, without the ones in `headers`. */
  environ: Record<string, string>;
}

const SECRET = /authoriz|cookie|token|secret|passw|api[-_]?key|credential|session|signature/i;
const MARK = 'left-out';

/** Writes each request to a file of a folder, `0001.json` and so on, which `wsgi-edge event --replay` sends again. Values of headers,
 *  parameters and fields whose names look like secrets are left out, in forms and in JSON; other bodies are kept as they are. The
 *  whole body is read before the application is called. For development, on Node.
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { client, record } from 'wsgi-edge/testing';
 *
 *  const app = record('/tmp/wsgi-edge-requests')(text('hello'));
 *  await (await client(app).get('/?token=x')).text(); //=> 'hello'
 *  ``` */
export function record<E extends Environ = Environ>(folder: string): Middleware<E> {
  const { mkdirSync, writeFileSync } = process.getBuiltinModule('node:fs');
  mkdirSync(folder, { recursive: true });
  let last = 0;
  const write = (text: string): void => {
    for (;;)
      try {
        // Several processes may write into the same folder.
        writeFileSync(`${folder}/${String(++last).padStart(4, '0')}.json`, text, { flag: 'wx' });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
  };
  return (app) => async (environ, startResponse) => {
    const body = await environ['wsgi.input'].read();
    write(`${JSON.stringify(recorded(environ, body), null, 2)}\n`);
    environ['wsgi.input'] = inputOf(body);
    return app(environ, startResponse);
  };
}

function recorded(environ: Environ, body: Uint8Array): RecordedRequest {
  const leftOut: string[] = [];
  const isSecret = (name: string) => SECRET.test(name) && leftOut.push(name) > 0;
  const headers: HeaderList = [];
  const others: Record<string, string> = {};
  for (const [key, value] of Object.entries(environ)) {
    if (typeof value !== 'string') continue;
    const name = /^(?:HTTP_(.+)|(CONTENT_TYPE))$/.exec(key)?.slice(1).find(Boolean);
    if (name === undefined) others[key] = decodeNative(value);
    else if (!isSecret(name)) headers.push([name.toLowerCase().replaceAll('_', '-'), decodeNative(value)]);
  }
  const form = (text: string) =>
    text.replace(/([^&=]+)=([^&]*)/g, (pair, name: string) => (isSecret(decode(name)) ? `${name}=${MARK}` : pair));
  const [path, query] = (environ.REQUEST_URI ?? `${environ.PATH_INFO}?${environ.QUERY_STRING}`).split('?');
  const target = query ? `${path}?${form(query)}` : String(path);
  for (const key of ['REQUEST_URI', 'RAW_URI', 'QUERY_STRING']) delete others[key];
  const kept = withoutSecrets(environ.CONTENT_TYPE ?? '', body, form, isSecret);
  return {
    method: environ.REQUEST_METHOD,
    target,
    headers,
    ...(kept.length > 0 && { body: Buffer.from(kept).toString('base64') }),
    leftOut,
    environ: others,
  };
}

function withoutSecrets(
  type: string,
  body: Uint8Array,
  form: (text: string) => string,
  isSecret: (name: string) => boolean,
): Uint8Array {
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return textToBytes(form(bytesToText(body)));
  if (!/^application\/(\S+\+)?json\b/i.test(type)) return body;
  try {
    const clean = (name: string, value: unknown) => (name !== '' && isSecret(name) ? MARK : value);
    return textToBytes(JSON.stringify(JSON.parse(bytesToText(body)), clean));
  } catch {
    return body; // no JSON, although it says so
  }
}

const decode = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};
