import type { InputStream } from 'wsgi-edge';

const LIMIT = 65_536; // bytes taken at once, and bytes of a part's headers
const CR = 13;
const LF = 10;
const CRLF = Uint8Array.of(CR, LF);
const EMPTY = new Uint8Array(0);
const decoder = new TextDecoder();

/** Reads a multipart/form-data body line by line with wsgi.input.readline(size), never holding more than one line:
 *  yields the headers of each part as text, then its content as bytes, in as many pieces as they come in.
 *  @throws {SyntaxError} when the body is not what RFC 7578 describes */
export async function* multipart(input: InputStream, boundary: string): AsyncGenerator<string | Uint8Array, void> {
  let inPart = false; // before the first boundary nothing counts
  let held: Uint8Array = EMPTY; // a line break that belongs either to the content or to the boundary after it
  let lineStart = true;
  for (;;) {
    const line = await input.readline(LIMIT);
    if (line.length === 0) throw new SyntaxError('the body ends before its closing boundary');
    const delimiter = lineStart ? delimiterOf(line, boundary) : undefined;
    if (delimiter === 'last') return;
    if (delimiter === 'next') {
      yield await readHeaders(input);
      inPart = true;
      held = EMPTY;
      lineStart = true;
      continue;
    }
    // A line of LIMIT bytes may have been cut between its CR and its LF.
    const cut = held.length === 1 && line[0] === LF;
    if (inPart && held.length > 0 && !cut) yield held;
    const end = cut ? CRLF.length : lineBreak(line);
    held = cut ? CRLF : line.subarray(line.length - end);
    if (inPart && !cut && line.length > end) yield line.subarray(0, line.length - end);
    lineStart = held.length === CRLF.length;
  }
}

// How many bytes at the end of a line are a CRLF, or the first half of one.
function lineBreak(line: Uint8Array): number {
  if (line.at(-1) === CR) return 1;
  return line.at(-1) === LF && line.at(-2) === CR ? 2 : 0;
}

function delimiterOf(line: Uint8Array, boundary: string): 'next' | 'last' | undefined {
  if (line.length > boundary.length + 80) return undefined;
  const text = decoder.decode(line).trimEnd();
  if (text === `--${boundary}`) return 'next';
  return text === `--${boundary}--` ? 'last' : undefined;
}

async function readHeaders(input: InputStream): Promise<string> {
  let headers = '';
  for (;;) {
    const line = decoder.decode(await input.readline(LIMIT));
    if (line === '\r\n' || line === '\n') return headers;
    headers += line;
    if (line === '' || headers.length > LIMIT) throw new SyntaxError('a part has headers without an end');
  }
}
