// HTTP/2 on Node: clients that leave, and request bodies that nobody reads to the end.
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2Session,
} from 'node:http2';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { inputStream } from '../src/input-stream.js';
import { bytesToText, textToBytes } from '../src/native-string.js';
import type { Application, Environ } from '../src/types.js';
import { type NodeEnviron, type NodeOptions, toNodeHandler } from '../targets/node/index.js';

const opened: Array<Http2Server | Server | ClientHttp2Session> = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

const listen = async (server: Http2Server | Server) => {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

async function start(app: Application, options: NodeOptions = {}) {
  const port = await listen(createServer(toNodeHandler(app, { errors: () => {}, ...options })));
  const open = (through = port) => {
    const session = connectHttp2(`http://127.0.0.1:${through}`);
    session.on('error', () => {});
    opened.push(session);
    return session;
  };
  return { port, open, session: open() };
}

const post = (session: ClientHttp2Session) => {
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  stream.on('error', () => {});
  return stream;
};

/** The answer on a stream, once it is closed. */
const answer = (stream: ClientHttp2Stream) =>
  new Promise<{ status: unknown; text: string; ended: boolean; rstCode: number }>((resolve) => {
    let status: unknown;
    let text = '';
    let ended = false;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.on('data', (data) => {
      text += data;
    });
    stream.on('end', () => {
      ended = true;
    });
    stream.on('close', () => resolve({ status, text, ended, rstCode: stream.rstCode }));
  });

/** A proxy that notes the frames of the server on stream 1. */
async function noting(port: number): Promise<{ port: number; frames: string[] }> {
  const frames: string[] = [];
  const proxy = createTcpServer((client) => {
    const server = connect(port, '127.0.0.1');
    let rest = Buffer.alloc(0);
    client.pipe(server);
    server.pipe(client);
    server.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const kind = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM'][rest[3] as number];
        const end = kind !== 'RST_STREAM' && (rest[4] as number) & 1 ? ' END_STREAM' : '';
        if (rest.readUInt32BE(5) === 1 && kind !== undefined) frames.push(`${kind}${end}`);
        rest = rest.subarray(9 + rest.readUIntBE(0, 3));
      }
    });
    for (const socket of [client, server]) socket.on('error', () => {});
  });
  return { port: await listen(proxy), frames };
}

const ok: Application = (_, startResponse) => {
  startResponse('200 OK', []);
  return [textToBytes('ok')];
};
const UPLOAD = new Uint8Array(300_000); // more than the client may send before the server reads

describe('a request body that nobody reads to the end', () => {
  it.each<[string, (environ: Environ) => Promise<unknown>]>([
    ['read in part', (environ) => environ['wsgi.input'].read(10)],
    ['read by line', (environ) => environ['wsgi.input'].readline(10)],
    ['cancelled', (environ) => inputStream(environ).cancel()],
    [
      'cancelled after a part',
      async (environ) => {
        const reader = inputStream(environ).getReader();
        await reader.read();
        await reader.cancel();
      },
    ],
    ['left alone', async () => {}],
  ])('keeps no stream open when it was %s', async (_, use) => {
    const { session } = await start(async (environ, startResponse) => {
      await use(environ);
      return ok(environ, startResponse);
    });
    const stream = post(session);
    // The client would go on sending for ever.
    stream.write(UPLOAD);
    expect(await answer(stream)).toEqual({ status: 200, text: 'ok', ended: true, rstCode: 0 });
  });

  it.each(['204 No Content', '200 OK'])('keeps no stream open without a response body: %s', async (status) => {
    const { session } = await start(async (environ, startResponse) => {
      await environ['wsgi.input'].read(10);
      startResponse(status, []);
      return [];
    });
    const stream = post(session);
    stream.end(UPLOAD);
    expect(await answer(stream)).toMatchObject({ status: Number(status.slice(0, 3)), ended: true, rstCode: 0 });
  });

  it.each<[string, Record<string, string>]>([
    ['the length tells', { 'content-length': '300000' }],
    ['it does not', {}],
  ])('has its 413 before the reset when %s', async (_, headers) => {
    const { port, open } = await start(
      async (environ, startResponse) => {
        await environ['wsgi.input'].read();
        return ok(environ, startResponse);
      },
      { maxBody: 10 },
    );
    const proxy = await noting(port);
    const stream = open(proxy.port).request({ ':method': 'POST', ':path': '/', ...headers });
    stream.on('error', () => {});
    stream.end(UPLOAD);
    expect(await answer(stream)).toEqual({ status: 413, text: 'Content Too Large\n', ended: true, rstCode: 0 });
    expect(proxy.frames).toEqual(['HEADERS', 'DATA', 'DATA END_STREAM', 'RST_STREAM']);
  });

  it('ends a read that waits when the body is cancelled', async () => {
    const { session } = await start(async (environ, startResponse) => {
      const reader = inputStream(environ).getReader();
      await reader.read();
      const waiting = reader.read();
      await reader.cancel();
      startResponse('200 OK', []);
      return [textToBytes(String((await waiting).done))];
    });
    const stream = post(session);
    stream.write('part');
    expect(await answer(stream)).toMatchObject({ status: 200, text: 'true', ended: true });
  });
});

describe('a client that leaves', () => {
  // close() of a client's stream would send the end of its body before the reset.
  const leaving: Array<[string, (stream: ClientHttp2Stream, session: ClientHttp2Session) => void]> = [
    ['resets its stream', (stream) => stream.destroy(new Error('left'))],
    ['resets its stream without an error', (stream) => stream.destroy()],
    ['ends its session', (_, session) => session.destroy()],
  ];

  it.each(leaving)('is noticed before the response when it %s', async (_, leave) => {
    let gone: unknown;
    const { session } = await start(async (environ, startResponse) => {
      const signal = environ['wsgi_edge.signal'];
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      leave(stream, session);
      await aborted;
      gone = signal.reason;
      return ok(environ, startResponse);
    });
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await expect.poll(() => (gone as Error | undefined)?.name).toBe('ClientDisconnected');
  });

  it.each(leaving)('has its body closed during the response when it %s', async (_, leave) => {
    let closed = 0;
    const { session } = await start((_environ, startResponse) => {
      startResponse('200 OK', []);
      const chunks = (function* () {
        for (;;) yield new Uint8Array(65_536);
      })();
      return Object.assign(chunks, { close: () => void closed++ });
    });
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    stream.once('data', () => leave(stream, session));
    await expect.poll(() => closed).toBe(1);
  });

  it.each(leaving)('never passes for one that has sent all of its body: %s', async (_, leave) => {
    let failure: unknown;
    const { session } = await start(async (environ, startResponse) => {
      const body = environ['wsgi.input'];
      const first = bytesToText(await body.read(4));
      leave(stream, session);
      failure = await body.read().then(
        (bytes) => `${first} and ${bytes.length} bytes`,
        (error: Error) => error.name,
      );
      return ok(environ, startResponse);
    });
    const stream = post(session);
    stream.write('part');
    await expect.poll(() => failure).toBe('ClientDisconnected');
  });

  it.each(leaving)('never passes for one without a body when it is read late: %s', async (_, leave) => {
    let failure: unknown;
    const { session } = await start(async (environ, startResponse) => {
      const aborted = new Promise((resolve) => environ['wsgi_edge.signal'].addEventListener('abort', resolve));
      leave(stream, session);
      await aborted;
      failure = await environ['wsgi.input'].read().then(
        (bytes) => `${bytes.length} bytes`,
        (error: Error) => error.name,
      );
      return ok(environ, startResponse);
    });
    const stream = post(session);
    stream.write('part');
    await expect.poll(() => failure).toBe('ClientDisconnected');
  });

  it('stays unnoticed when it has the whole response', async () => {
    let signal: AbortSignal | undefined;
    let closed = 0;
    let left: Promise<unknown> | undefined;
    const { session } = await start(async (environ, startResponse) => {
      signal = environ['wsgi_edge.signal'];
      const { stream } = (environ as NodeEnviron)['node.req'] as Http2ServerRequest;
      left = once(stream.session as Http2Session, 'close');
      const body = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return Object.assign([body], { close: () => void closed++ });
    });
    const stream = post(session);
    stream.end('all of it');
    expect(await answer(stream)).toMatchObject({ text: 'all of it', ended: true, rstCode: 0 });
    session.destroy();
    await left;
    expect(closed).toBe(1);
    expect(signal?.aborted).toBe(false);
  });
});
