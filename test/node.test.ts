import { createServer, request, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, test } from 'vitest';
import { inputStream } from '../src/input-stream.js';
import { bytesToText, textToBytes } from '../src/native-string.js';
import type { Application, Environ } from '../src/types.js';
import { serve, toNodeHandler } from '../targets/node/index.js';

const servers: Array<{ close(): unknown }> = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
const start = async (app: Application, options = {}) => {
  const server = await serve(app, options);
  servers.push(server);
  return portOf(server);
};

describe('serve', () => {
  it('listens on loopback, on a free port, and answers', async () => {
    const port = await start((environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'text/plain']]);
      return [textToBytes(`${environ.REMOTE_ADDR} ${environ.SERVER_PORT}`)];
    });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe(`127.0.0.1 ${port}`);
  });

  it('leaves an Expect that it does not know to the application', async () => {
    const port = await start((environ, startResponse) => {
      startResponse('200 OK', []);
      return [textToBytes(`expects ${environ.HTTP_EXPECT}`)];
    });
    const answer = await raw(port, 'GET / HTTP/1.1\r\nHost: h\r\nExpect: 200-maybe\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*expects 200-maybe/);
  });

  it('says that a port is in use', async () => {
    const port = await start(() => []);
    await expect(serve(() => [], { port })).rejects.toThrow(
      `node: 127.0.0.1:${port} is already in use; stop what listens there, or choose another port`,
    );
  });

  it('says why it can not listen', async () => {
    await expect(serve(() => [], { hostname: '192.0.2.1' })).rejects.toThrow(
      /node: 192\.0\.2\.1:0 can't be listened on/,
    );
  });

  it('leaves the errors of a listening server to its user', async () => {
    const server = await serve(() => []);
    servers.push(server);
    expect(server.listenerCount('error')).toBe(0);
  });

  it('refuses what is no application and no port', async () => {
    await expect(serve('app' as never)).rejects.toThrow(/serve: the application must be a function/);
    await expect(serve(() => [], { port: Number.NaN })).rejects.toThrow(
      'serve: port must be a number from 0 to 65535, not NaN',
    );
  });
});

describe('toNodeHandler', () => {
  it('serves a node:http server', async () => {
    const server: Server = createServer(
      toNodeHandler((environ, startResponse) => {
        startResponse('200 OK', []);
        return [textToBytes(String(environ['node.req'] !== undefined))];
      }),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(await (await fetch(`http://127.0.0.1:${portOf(server)}/`)).text()).toBe('true');
  });

  it('serves HTTP/2, which has no reason and no hop-by-hop headers', async () => {
    let environ: Environ | undefined;
    const server = createHttp2Server(
      toNodeHandler(async (given, startResponse) => {
        environ = given;
        startResponse('201 Whatever', [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ]);
        const body = await given['wsgi.input'].read();
        return (async function* () {
          yield textToBytes('got ');
          yield body;
        })();
      }),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`);
    servers.push(session);
    const stream = session.request({ ':path': '/x%20y?q', ':method': 'POST', cookie: ['a=1', 'b=2'] });
    stream.end('data');
    const [head, text] = await new Promise<[Record<string, unknown>, string]>((resolve, reject) => {
      let headers: Record<string, unknown> = {};
      const chunks: Buffer[] = [];
      stream.on('response', (given) => {
        headers = given;
      });
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => resolve([headers, Buffer.concat(chunks).toString()]));
      stream.on('error', reject);
    });
    expect(head).toMatchObject({ ':status': 201, 'set-cookie': ['a=1', 'b=2'] });
    expect(text).toBe('got data');
    expect(environ).toMatchObject({
      SERVER_PROTOCOL: 'HTTP/2.0',
      PATH_INFO: '/x y',
      QUERY_STRING: 'q',
      HTTP_HOST: `127.0.0.1:${portOf(server)}`,
      HTTP_COOKIE: 'a=1; b=2',
    });
  });

  it('answers 500 over HTTP/2 where that refuses a head, and takes one authority of two', async () => {
    const lines: string[] = [];
    const hosts: unknown[] = [];
    const server = createHttp2Server(
      toNodeHandler(
        (environ, startResponse) => {
          hosts.push(environ.HTTP_HOST);
          startResponse(environ.PATH_INFO === '/status' ? '999 Own' : '200 OK', [
            ['Location', '/a'],
            ['X-A', '1'],
            ['Location', '/b'],
          ]);
          return [];
        },
        { errors: (line) => lines.push(line) },
      ),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`);
    servers.push(session);
    for (const path of ['/status', '/headers']) {
      const stream = session.request({ ':path': path, ':authority': 'h.example', host: 'h.example' });
      const head = await new Promise<Record<string, unknown>>((resolve, reject) => {
        stream.on('response', resolve);
        stream.on('error', reject);
      });
      stream.close();
      expect([path, head[':status'], head['x-a']]).toEqual([path, 500, undefined]);
    }
    expect(hosts).toEqual(['h.example', 'h.example']);
    expect(lines.join('\n')).toMatch(/Invalid status code/);
  });

  it('tells an HTTP/2 client that a response is not whole', async () => {
    const server = createHttp2Server(
      toNodeHandler(
        async function* (_, startResponse) {
          startResponse('200 OK', []);
          yield textToBytes('partial');
          throw new Error('late');
        },
        { errors: () => {} },
      ),
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`);
    servers.push(session);
    const stream = session.request({ ':path': '/' });
    await expect(
      new Promise((resolve, reject) => {
        stream.on('error', reject);
        stream.on('end', resolve);
        stream.resume();
      }),
    ).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/);
  });

  it('sends the written part of a response that breaks off, without its end', async () => {
    const port = await start(
      (_, startResponse) => {
        startResponse('200 OK', [['Content-Length', '50']]);
        return (function* () {
          yield textToBytes('short');
        })();
      },
      { errors: () => {} },
    );
    const [body, error] = await new Promise<[string, unknown]>((resolve) => {
      let text = '';
      request({ port }, (response) => {
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('error', (failure) => resolve([text, failure]));
        response.on('end', () => resolve([text, undefined]));
      }).end();
    });
    expect(body).toBe('short');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('takes the authority of an absolute target before the Host header', async () => {
    let environ: Environ | undefined;
    const port = await start((given, startResponse) => {
      environ = given;
      startResponse('200 OK', []);
      return [];
    });
    await raw(port, 'GET http://other.example:81/p?q#f HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\r\n');
    expect(environ).toMatchObject({
      PATH_INFO: '/p',
      QUERY_STRING: 'q',
      HTTP_HOST: 'other.example:81',
      SERVER_NAME: 'other.example',
      SERVER_PORT: '81',
    });
  });

  test.each([
    ['http://user:pw@other.example/p', 'other.example', '/p'],
    ['http://u@h@other.example:81/a@b', 'other.example:81', '/a@b'],
    ['ftp://other.example/p', 'other.example', '/p'],
    ['urn://other.example', 'other.example', '/'],
    ['/http://other.example/p', 'h.example', '/http://other.example/p'],
  ])('takes %s apart', async (target, host, path) => {
    let environ: Environ | undefined;
    const port = await start((given, startResponse) => {
      environ = given;
      startResponse('200 OK', []);
      return [];
    });
    await raw(port, `GET ${target} HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\r\n`);
    expect(environ).toMatchObject({ HTTP_HOST: host, PATH_INFO: path });
  });

  test.each([
    ['a coding that nobody has decoded', 'Host: h\r\nTransfer-Encoding: gzip, chunked', '501 Not Implemented'],
    ['a coding that is not chunked', 'Host: h\r\nTransfer-Encoding: foo', '501 Not Implemented'],
    ['two Hosts', 'Host: h\r\nHost: h', '400 Bad Request'],
    ['a Host with a path', 'Host: h/x', '400 Bad Request'],
    ['an empty Host', 'Host:', '400 Bad Request'],
  ])('refuses %s before the application', async (_, headers, status) => {
    const port = await start(() => {
      throw new Error('the application was called');
    });
    const answer = await raw(port, `GET / HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(`HTTP/1.1 ${status}\r\n`);
  });

  test.each([
    ['no Host', 'GET / HTTP/1.0\r\n\r\n', '127.0.0.1'],
    ['a Host without a port', 'GET / HTTP/1.0\r\nHost: h.example\r\n\r\n', 'h.example'],
    ['IPv6', 'GET / HTTP/1.0\r\nHost: [::1]:8080\r\n\r\n', '[::1]'],
  ])('has a SERVER_NAME with %s', async (_, bytes, name) => {
    let environ: Environ | undefined;
    const port = await start((given, startResponse) => {
      environ = given;
      startResponse('200 OK', []);
      return [];
    });
    await raw(port, bytes);
    expect(environ?.SERVER_NAME).toBe(name);
    expect(environ?.SERVER_PORT).toMatch(/^\d+$/);
  });

  it('refuses a malformed Host in HTTP/1.0, too', async () => {
    const port = await start(() => {
      throw new Error('the application was called');
    });
    expect(await raw(port, 'GET / HTTP/1.0\r\nHost: bad host<>:99999\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('has a SERVER_NAME in brackets when the socket has an IPv6 address', async () => {
    let name: string | undefined;
    const handle = toNodeHandler((environ, startResponse) => {
      name = environ.SERVER_NAME;
      startResponse('200 OK', []);
      return [];
    });
    // Not every machine has IPv6: the address of the socket is put in its place.
    const server = createServer((req, res) => {
      Object.defineProperty(req.socket, 'localAddress', { value: 'fe80::1%eth0' });
      handle(req, res);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await raw(portOf(server), 'GET / HTTP/1.0\r\n\r\n');
    expect(name).toBe('[fe80::1]');
  });

  it('refuses the asterisk unless the method is OPTIONS', async () => {
    const paths: string[] = [];
    const port = await start((environ, startResponse) => {
      paths.push(environ.PATH_INFO);
      startResponse('200 OK', []);
      return [];
    });
    const ask = (method: string) => raw(port, `${method} * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    expect(await ask('OPTIONS')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask('GET')).toMatch(/^HTTP\/1\.1 400 /);
    expect(paths).toEqual(['*']);
  });

  it.each(['1.0', '1.1'])('ends the connection of a chunked body in HTTP/1.0 only: HTTP/%s', async (version) => {
    const paths: string[] = [];
    const port = await start(async (environ, startResponse) => {
      paths.push(environ.PATH_INFO);
      const body = await environ['wsgi.input'].read();
      startResponse('200 OK', []);
      return [textToBytes(`<${environ.PATH_INFO} ${bytesToText(body)}>`)];
    });
    const answer = await raw(
      port,
      `POST /1 HTTP/${version}\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n` +
        '4\r\nbody\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    );
    expect(answer.match(/^Connection: .*|<.*?>/gim)).toEqual(
      version === '1.0'
        ? ['Connection: close', '</1 body>']
        : ['Connection: keep-alive', '</1 body>', 'Connection: close', '</2 >'],
    );
    expect(paths).toEqual(version === '1.0' ? ['/1'] : ['/1', '/2']);
  });

  it.each([
    ['200 ', 'HTTP/1.1 200 '],
    ['200 OK', 'HTTP/1.1 200 OK'],
    ['404 ', 'HTTP/1.1 404 '],
  ])('sends the reason of status "%s" as it is', async (status, line) => {
    const port = await start((_, startResponse) => {
      startResponse(status, []);
      return [];
    });
    const answer = await raw(port, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(answer.split('\r\n', 1)).toEqual([line]);
  });

  it('sends the bytes that an application gave, whatever it does to them afterwards', async () => {
    const buffer = new Uint8Array(8_000_000).fill(97);
    const port = await start((_, startResponse) => {
      startResponse('200 OK', []);
      return Object.assign([buffer], { close: () => void buffer.fill(98) });
    });
    const body = new Uint8Array(await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer());
    expect([body.length, body.indexOf(98)]).toEqual([8_000_000, -1]);
  });

  it('breaks off a pipelined response when those before it are done', async () => {
    const port = await start(
      async function* (environ, startResponse) {
        if (environ.PATH_INFO === '/slow') await new Promise((resolve) => setTimeout(resolve, 50));
        startResponse('200 OK', []);
        yield textToBytes(`<${environ.PATH_INFO}>`);
        if (environ.PATH_INFO === '/cut') throw new Error('cut');
      },
      { errors: () => {} },
    );
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
    const answer = await raw(port, get('/slow') + get('/cut') + get('/never'));
    expect([answer.includes('</slow>'), answer.includes('</cut>'), answer.includes('never')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(answer.match(/\r\n0\r\n\r\n/g)?.length).toBe(1);
  });

  it.each([
    ['read in part', async (environ: Environ) => void (await environ['wsgi.input'].read(10))],
    ['cancelled', async (environ: Environ) => void (await inputStream(environ).cancel())],
    ['left alone', async () => {}],
  ])('serves the next request of a connection when an upload was %s', async (_, use) => {
    const port = await start(async (environ, startResponse) => {
      await use(environ);
      startResponse('200 OK', []);
      return [textToBytes(environ.REQUEST_METHOD)];
    });
    const upload = 'x'.repeat(1_000_000);
    const answer = await raw(
      port,
      `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${upload.length}\r\n\r\n${upload}GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1\.1 200 /g)?.length).toBe(2);
    expect(answer.endsWith('GET')).toBe(true);
  });

  it('lives on when a client breaks off its upload, which the application sees', async () => {
    let failure: unknown;
    let socket: Socket | undefined;
    const port = await start(async (environ, startResponse) => {
      const input = environ['wsgi.input'];
      await input.read(3);
      socket?.destroy();
      failure = await input.read().catch((error: unknown) => error);
      startResponse('200 OK', []);
      return [];
    });
    socket = connect(port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc');
    await expect.poll(() => (failure as Error | undefined)?.name).toBe('ClientDisconnected');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });

  it.each([
    ['all of its body', '4', 'body'],
    ['a part of its body', '5', 'ClientDisconnected'],
  ])('tells late whether a client that has left had sent %s', async (_, length, outcome) => {
    let read: unknown;
    const port = await start(async (environ, startResponse) => {
      const gone = new Promise((resolve) => environ['wsgi_edge.signal'].addEventListener('abort', resolve));
      socket.destroy();
      await gone;
      read = await environ['wsgi.input'].read().then(bytesToText, (error: Error) => error.name);
      startResponse('200 OK', []);
      return [];
    });
    const socket = connect(port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\nbody`);
    await expect.poll(() => read).toBe(outcome);
  });

  it('gives Uint8Arrays and no Buffers as a stream', async () => {
    const classes = new Set<unknown>();
    const port = await start(async (environ, startResponse) => {
      for await (const chunk of inputStream(environ)) classes.add(chunk.constructor);
      startResponse('200 OK', []);
      return [];
    });
    await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(200_000) });
    expect([...classes]).toEqual([Uint8Array]);
  });

  it('ends a read that waits when the body is cancelled', async () => {
    const port = await start(async (environ, startResponse) => {
      const reader = inputStream(environ).getReader();
      await reader.read();
      const waiting = reader.read();
      await reader.cancel();
      startResponse('200 OK', []);
      return [textToBytes(`done: ${(await waiting).done}`)];
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\npart');
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    expect(answer).toMatch(/done: true$/);
    socket.destroy();
  });
});

function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => resolve(bytesToText(Buffer.concat(chunks))));
    socket.on('error', reject);
  });
}
