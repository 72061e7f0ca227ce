import type { Application } from 'wsgi-edge';

const BLOCK = new Uint8Array(65_536);

/** The length of the body that came, a body of `?mib=` MiB, or a stream of ten pieces in half a second. */
export const served: Application = async (environ, startResponse) => {
  const mib = new URLSearchParams(environ.QUERY_STRING).get('mib');
  startResponse('200 OK', [['Content-Type', 'application/octet-stream']]);
  if (environ.REQUEST_METHOD === 'POST') {
    let length = 0;
    for (;;) {
      const block = await environ['wsgi.input'].read(65_536);
      if (block.length === 0) return [new TextEncoder().encode(String(length))];
      length += block.length;
    }
  }
  return mib === null ? pieces() : blocks(Number(mib) * 16);
};

function* blocks(count: number): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield BLOCK;
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 10; i++) {
    yield BLOCK.subarray(0, 1024);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
