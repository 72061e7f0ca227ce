import { type Application, mount } from '../../src/index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bodies with a `close` that the gateway was given, and calls of it. */
const counts = { handed: 0, closed: 0 };

function counted<Body extends object>(body: Body): Body & { close(): void } {
  counts.handed++;
  return Object.assign(body, { close: () => void counts.closed++ });
}

const LARGE = new Uint8Array(100_000).fill(65);

/** One path for each way to answer. */
export const application: Application = mount({
  '/list': (_, startResponse) => {
    startResponse('200 OK', [['Content-Type', 'text/plain']]);
    return counted([bytes('hello')]);
  },
  '/stream': (_, startResponse) => {
    startResponse('200 OK', []);
    return counted(
      (async function* () {
        for (let i = 0; i < 5; i++) {
          yield bytes(`piece ${i}\n`);
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
      })(),
    );
  },
  '/large': (_, startResponse) => {
    startResponse('200 OK', []);
    return counted([LARGE]);
  },
  '/echo': async (environ, startResponse) => {
    const body = await environ['wsgi.input'].read();
    startResponse('200 OK', []);
    return counted([body]);
  },
  '/file': (environ, startResponse) => {
    startResponse('200 OK', []);
    const blocks = [bytes('first '), bytes('second')];
    return counted(environ['wsgi.file_wrapper']({ read: () => blocks.shift() ?? new Uint8Array(0) }));
  },
  '/write': async (_, startResponse) => {
    const write = startResponse('200 OK', []);
    await write(bytes('written '));
    return counted([bytes('returned')]);
  },
  '/error': (_, startResponse) => {
    startResponse('200 OK', []);
    return counted({
      // biome-ignore lint/correctness/useYield: it throws in place of its first chunk
      *[Symbol.iterator](): Generator<Uint8Array> {
        throw new Error('soak');
      },
    });
  },
  '/background': (environ, startResponse) => {
    environ['wsgi_edge.wait_until'](new Promise((resolve) => setTimeout(resolve, 1)));
    startResponse('204 No Content', []);
    return counted([]);
  },
  '/counts': (_, startResponse) => {
    startResponse('200 OK', []);
    return [bytes(JSON.stringify(counts))];
  },
});

/** What the paths answer: status and length of the body. */
export const MIX: ReadonlyArray<{ path: string; status: number; length: number; body?: string }> = [
  { path: '/list', status: 200, length: 5 },
  { path: '/list', status: 200, length: 5 },
  { path: '/list', status: 200, length: 5 },
  { path: '/stream', status: 200, length: 40 },
  { path: '/large', status: 200, length: 100_000 },
  { path: '/echo', status: 200, length: 11, body: 'the request' },
  { path: '/file', status: 200, length: 12 },
  { path: '/write', status: 200, length: 16 },
  { path: '/error', status: 500, length: 22 },
  { path: '/background', status: 204, length: 0 },
];
