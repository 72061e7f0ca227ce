import { bytesToText, textToBytes } from '../src/native-string.js';
import type { InputStream } from '../src/types.js';
import { refuse } from './read.js';

const BLOCK = 65_536; // bytes
const MAX_HEADERS = 16_384; // bytes of the headers of a part
const DASH = 45;
const CR = 13;
const END_OF_HEADERS = /* @__PURE__ */ textToBytes('\r\n\r\n');

type Bytes = Uint8Array<ArrayBuffer>;

/** A part of a multipart form. The content that nobody has read is skipped before the next part. */
export interface Part {
  name: string;
  filename: string | undefined;
  type: string | undefined;
  content: AsyncIterable<Bytes>;
}

/** Splits a multipart form (RFC 7578) while it arrives, and holds one block of it. The packages that we tried keep each file
 *  in memory, or lose names that are not ASCII.
 *  @throws {HttpError} (as a rejection) with 400 when the form is malformed or ends early */
export async function* partsOf(input: InputStream, boundary: string): AsyncGenerator<Part, void> {
  const delimiter = textToBytes(`\r\n--${boundary}`);
  let held: Bytes = new Uint8Array([CR, 10]); // the delimiter may be the first line
  const more = async () => {
    const block = await input.read(BLOCK);
    if (block.length === 0) refuse(400, 'sent a form that ends before its last boundary');
    const joined = new Uint8Array(held.length + block.length);
    joined.set(held);
    joined.set(block, held.length);
    held = joined;
  };
  async function* untilDelimiter(): AsyncGenerator<Bytes, void> {
    let at = find(held, delimiter);
    for (; at < 0; at = find(held, delimiter)) {
      // The last bytes may be the beginning of a delimiter.
      const certain = Math.max(0, held.length - delimiter.length + 1);
      if (certain > 0) yield held.subarray(0, certain);
      held = held.subarray(certain);
      await more();
    }
    if (at > 0) yield held.subarray(0, at);
    held = held.subarray(at + delimiter.length);
  }
  for await (const _ of untilDelimiter()); // the preamble
  for (;;) {
    while (held.length < 2) await more();
    if (held[0] === DASH && held[1] === DASH) return;
    let end = find(held, END_OF_HEADERS);
    for (; end < 0 && held.length <= MAX_HEADERS; end = find(held, END_OF_HEADERS)) await more();
    if (end < 0 || end > MAX_HEADERS) refuse(400, `sent a part with headers of more than ${MAX_HEADERS} bytes`);
    const headers = bytesToText(held.subarray(0, end));
    held = held.subarray(end + END_OF_HEADERS.length);
    const pieces = untilDelimiter();
    // Without return(): a reader that leaves early must not end the pieces.
    const content = { [Symbol.asyncIterator]: () => ({ next: () => pieces.next() }) };
    yield { ...describe(headers), content };
    for await (const _ of content);
  }
}

function find(bytes: Uint8Array, sought: Uint8Array): number {
  let at = bytes.indexOf(CR);
  while (at >= 0 && !sought.every((byte, i) => byte === bytes[at + i])) at = bytes.indexOf(CR, at + 1);
  return at;
}

function describe(headers: string): Omit<Part, 'content'> {
  if (!/^[ \t]*(\r\n|$)/.test(headers)) refuse(400, 'sent a boundary with other text after it');
  const [, disposition = ''] = /^content-disposition:[ \t]*form-data(.*)$/im.exec(headers) ?? [];
  const parameters = new Map<string, string>();
  for (const [, key = '', quoted, token = ''] of disposition.matchAll(PARAMETER))
    parameters.set(key.toLowerCase(), quoted === undefined ? token : unquote(quoted));
  const name = parameters.get('name');
  if (name === undefined) return refuse(400, 'sent a part without a name');
  const [, type] = /^content-type:[ \t]*([^\s;]+)/im.exec(headers) ?? [];
  return { name, filename: parameters.get('filename'), type };
}

// Sticky, because a search for the next parameter would take quadratic time on quotes that do not end.
const PARAMETER = /\s*;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gy;

// Browsers write %22, %0D and %0A (HTML Living Standard, "Multipart form data"); curl writes \" and \\.
function unquote(quoted: string): string {
  return quoted
    .replace(/\\(["\\])/g, '$1')
    .replace(/%22/g, '"')
    .replace(/%0D/gi, '\r')
    .replace(/%0A/gi, '\n');
}
