// Forms: the parser of multipart bodies against the one of the platform, its limits, and files that arrive.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type FormOptions, form, json, text, view } from '../http/index.js';
import { type Environ, type InputStream, inputOf } from '../src/index.js';
import { callApp, testEnviron } from '../testing/index.js';
import { RUNS } from './fuzz/runs.ts';

const URLENCODED = { CONTENT_TYPE: 'application/x-www-form-urlencoded' };
const MULTIPART = { CONTENT_TYPE: 'multipart/form-data; boundary=x' };
const lines = (...given: string[]) => given.join('\r\n');
const field = (name: string, value: string) => ['--x', `Content-Disposition: form-data; name="${name}"`, '', value];

/** A `wsgi.input` whose reads give pieces of a size, so that boundaries are cut anywhere. */
function piecewise(bytes: Uint8Array<ArrayBuffer>, size: number): InputStream {
  let at = 0;
  return {
    ...inputOf(bytes),
    async read() {
      at += size;
      return bytes.subarray(at - size, at);
    },
  };
}

async function entriesOf(fields: FormData) {
  const entries = [...fields];
  return Promise.all(
    entries.map(async ([name, value]) => [
      name,
      typeof value === 'string' ? value : [value.name, value.type, new Uint8Array(await value.arrayBuffer())],
    ]),
  );
}

async function refusal(environ: Environ, options?: FormOptions) {
  const app = view(async (given) => json([...(await form(given, options)).keys()]));
  const { status, text: content } = await callApp(app, environ);
  return [Number(status.slice(0, 3)), content()];
}

it('reads an urlencoded form', async () => {
  const fields = await form(testEnviron(URLENCODED, 'a=1&a=2&__proto__=x&b=caf%C3%A9+%26&c'));
  expect([...fields]).toEqual([
    ['a', '1'],
    ['a', '2'],
    ['__proto__', 'x'],
    ['b', 'café &'],
    ['c', ''],
  ]);
});

describe('multipart', () => {
  it('reads what the platform has written, in pieces of any size', async () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\r\n', '\r\n--', '\r\n\r\n', '--x\r\n'));
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('\r\n--', '\r\r\n', '-').map((s) => new TextEncoder().encode(s)),
    );
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a"b', 'a\\b', 'a;b=c', '日本', '__proto__'));
    const entry = fc.oneof(fc.tuple(name, value), fc.tuple(name, name, fc.constantFrom('', 'image/png'), content));
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 400 }), async (entries, size) => {
        const written = new FormData();
        for (const [key, ...rest] of entries)
          if (rest.length === 1) written.append(key, rest[0]);
          else written.append(key, new File([new Uint8Array(rest[2])], rest[0], { type: rest[1] }));
        const request = new Request('http://h/', { method: 'POST', body: written });
        const type = request.headers.get('content-type') as string;
        const bytes = new Uint8Array(await request.arrayBuffer());
        const theirs = await new Request('http://h/', {
          method: 'POST',
          body: bytes,
          headers: { 'Content-Type': type },
        }).formData();
        const environ = { ...testEnviron({ CONTENT_TYPE: type }), 'wsgi.input': piecewise(bytes, size) };
        expect(await entriesOf(await form(environ))).toEqual(await entriesOf(theirs));
      }),
      { numRuns: Math.min(RUNS, 2000) },
    );
  });

  it('reads what curl, old browsers and mail programs write', async () => {
    const given = lines(
      'a preamble',
      '--x \t',
      'content-disposition: FORM-DATA; filename="a\\"b\\\\c.txt"; name="f"',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'content',
      '--x',
      'X-Other: 1',
      'Content-Disposition: form-data; name=token',
      '',
      '',
      ...field('q', '%22 stays'),
      '--x--',
      'an epilogue',
    );
    expect(await entriesOf(await form(testEnviron(MULTIPART, given)))).toEqual([
      ['f', ['a"b\\c.txt', 'text/plain', new TextEncoder().encode('content')]],
      ['token', ''],
      ['q', '%22 stays'],
    ]);
    const quoted = { CONTENT_TYPE: 'Multipart/Form-Data; charset=utf-8; boundary="a b:c"' };
    const empty = await form(testEnviron(quoted, '--a b:c--\r\n'));
    expect([...empty]).toEqual([]);
  });

  test.each<[why: string, environ: Environ, status: number, content: string]>([
    ['another type', testEnviron({ CONTENT_TYPE: 'text/plain' }, 'a'), 415, 'sent "text/plain" instead of'],
    ['no type', testEnviron({}, 'a'), 415, 'sent "" instead of'],
    ['no boundary', testEnviron({ CONTENT_TYPE: 'multipart/form-data' }, 'a'), 415, 'instead of'],
    ['an end too early', testEnviron(MULTIPART, lines(...field('a', 'b'))), 400, 'ends before its last boundary'],
    ['no boundary in the body', testEnviron(MULTIPART, 'a=b'), 400, 'ends before its last boundary'],
    ['an empty body', testEnviron(MULTIPART, ''), 400, 'ends before its last boundary'],
    ['a part without a name', testEnviron(MULTIPART, lines('--x', 'A: b', '', 'c', '--x--')), 400, 'without a name'],
    [
      'quotes that do not end',
      testEnviron(
        MULTIPART,
        lines('--x', `Content-Disposition: form-data${';a="'.repeat(3001)}; name=a`, '', 'c', '--x--'),
      ),
      400,
      'without a name',
    ],
    ['a longer boundary', testEnviron(MULTIPART, lines('--xy', 'A: b', '', 'c', '--x--')), 400, 'other text after it'],
    [
      'long headers',
      testEnviron(MULTIPART, lines('--x', `A: ${'b'.repeat(20_000)}`, '', 'c', '--x--')),
      400,
      'headers of more than 16384 bytes',
    ],
  ])('refuses %s', async (_why, environ, status, content) => {
    expect(await refusal(environ)).toEqual([status, expect.stringContaining(content)]);
  });
});

test.each<[why: string, options: FormOptions, environ: () => Environ, status: number]>([
  ['fields of a query', { maxParts: 2 }, () => testEnviron(URLENCODED, 'a&b&c'), 413],
  ['bytes of a query', { maxBytes: 4 }, () => testEnviron(URLENCODED, 'a=bcd'), 413],
  ['parts', { maxParts: 1 }, () => testEnviron(MULTIPART, lines(...field('a', ''), ...field('b', ''), '--x--')), 413],
  [
    'as many parts',
    { maxParts: 2 },
    () => testEnviron(MULTIPART, lines(...field('a', ''), ...field('b', ''), '--x--')),
    200,
  ],
  [
    'bytes of values',
    { maxBytes: 6 },
    () => testEnviron(MULTIPART, lines(...field('a', '123'), ...field('b', '123'), '--x--')),
    413,
  ],
  [
    'as many bytes',
    { maxBytes: 8 },
    () => testEnviron(MULTIPART, lines(...field('a', '123'), ...field('b', '123'), '--x--')),
    200,
  ],
  ['a long name', { maxBytes: 9 }, () => testEnviron(MULTIPART, lines(...field('0123456789', ''), '--x--')), 413],
  [
    'a long file name',
    { maxBytes: 9, onFile: () => {} },
    () =>
      testEnviron(
        MULTIPART,
        lines('--x', 'Content-Disposition: form-data; name="a"; filename="0123456789"', '', '', '--x--'),
      ),
    413,
  ],
])('limits %s', async (_why, options, environ, status) => {
  expect((await refusal(environ(), options))[0]).toBe(status);
});

describe('onFile', () => {
  const file = (name: string, filename: string, content: string) => [
    '--x',
    `Content-Disposition: form-data; name="${name}"; filename="${filename}"`,
    '',
    content,
  ];

  it('takes a file while it arrives, and holds none of it', async () => {
    const head = new TextEncoder().encode(lines(...file('f', 'a', '')));
    const block = new Uint8Array(65_536).fill(97);
    let sent = 0;
    let asked = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (asked++ === 0) controller.enqueue(head);
          else if (sent < 1000) controller.enqueue(++sent < 1000 ? block : block.subarray(0, 10));
          else {
            controller.enqueue(new TextEncoder().encode('\r\n--x--\r\n'));
            controller.close();
          }
        },
      },
      { highWaterMark: 0 },
    );
    let size = 0;
    let ahead = 0;
    const environ = { ...testEnviron(MULTIPART), 'wsgi.input': inputOf(source) };
    const fields = await form(environ, {
      maxBytes: 100,
      async onFile(given) {
        for await (const bytes of given) {
          size += bytes.length;
          ahead = Math.max(ahead, sent * block.length - size);
        }
        return `${given.filename} ${given.type}`;
      },
    });
    expect([size, fields.get('f')]).toEqual([999 * block.length + 10, 'a application/octet-stream']);
    expect(ahead).toBeLessThan(4 * block.length);
  });

  it('skips what it has not read, and takes a string, a Blob or nothing', async () => {
    const given = lines(
      ...file('a', '1', 'x'.repeat(200_000)),
      ...file('b', '2', 'y'),
      ...file('c', '3', 'z'),
      ...field('d', '4'),
      '--x--',
    );
    const fields = await form(testEnviron(MULTIPART, given), {
      async onFile({ name, ...rest }) {
        if (name === 'a') for await (const _ of rest as AsyncIterable<Uint8Array>) return 'left';
        return name === 'b' ? new Blob(['blob']) : undefined;
      },
    });
    expect(await entriesOf(fields)).toEqual([
      ['a', 'left'],
      ['b', ['2', '', new TextEncoder().encode('blob')]],
      ['d', '4'],
    ]);
  });

  it('passes its error on', async () => {
    const app = view(async (environ) => {
      await form(environ, { onFile: () => Promise.reject(new Error('disk full')) });
      return text('');
    });
    const environ = testEnviron(MULTIPART, lines(...file('a', '1', 'x'), '--x--'));
    const errors: string[] = [];
    environ['wsgi.errors'] = { write: (line) => void errors.push(line), writelines() {}, flush() {} };
    expect((await callApp(app, environ)).status).toBe('500 Internal Server Error');
    expect(errors.join('')).toContain('disk full');
  });
});
