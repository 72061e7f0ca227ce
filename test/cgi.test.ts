// Each test starts the script as a web server does: a process with an environment, stdin and stdout.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import type { Environ } from '../src/types.js';
import { ID } from './request-id.js';

let folder: string;
let script: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-cgi-'));
  mkdirSync(join(folder, 'cgi-bin'));
  await build({
    entryPoints: [fileURLToPath(new URL('./cgi-app.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    outfile: join(folder, 'app.mjs'),
  });
  script = join(folder, 'cgi-bin', 'app');
  writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' '${join(folder, 'app.mjs')}'\n`);
  chmodSync(script, 0o755);
});
const children: ChildProcess[] = [];
afterEach(() => {
  // One that a failed test has left waiting.
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const REQUEST = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: 'GET',
  SCRIPT_NAME: '/cgi-bin/app',
  PATH_INFO: '/environ',
  QUERY_STRING: 'a=b',
  SERVER_NAME: 'www.example',
  SERVER_PORT: '8080',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_SOFTWARE: 'test/1',
  REMOTE_ADDR: '192.0.2.7',
};

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Starts the script; `sh` may set variables that Node can't. */
function start(variables: Record<string, string>, sh = ''): { child: ChildProcess; ended: Promise<Ended> } {
  const env = { PATH: process.env.PATH ?? '', HOME: '/home/secret', ...REQUEST, ...variables };
  const child = spawn('/bin/sh', ['-c', `${sh} exec '${script}'`], { env });
  children.push(child);
  const output: Ended = { code: null, signal: null, stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => {
    output.stdout += data.toString('latin1');
  });
  child.stderr.on('data', (data: Buffer) => {
    // Without the ids of the requests.
    output.stderr += data.toString().replace(/^\[\S+\] /gm, '');
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) => resolve({ ...output, code, signal })),
  );
  return { child, ended };
}

async function get(variables: Record<string, string>, stdin = '', sh = ''): Promise<Ended> {
  const { child, ended } = start(variables, sh);
  child.stdin?.end(stdin, 'latin1');
  return ended;
}

async function environOf(variables: Record<string, string>, sh = ''): Promise<Environ & { proxy: string }> {
  const { stdout } = await get(variables, '', sh);
  return JSON.parse(Buffer.from(stdout.slice(stdout.indexOf('\r\n\r\n') + 4), 'latin1').toString());
}

describe('the environ of a CGI process', () => {
  it('has the request, and nothing else of the environment', async () => {
    const environ = await environOf({ HTTP_X_A: 'b', HTTP_X_EMPTY: '', SSL_PROTOCOL: 'TLSv1.3', REMOTE_HOST: '' });
    const strings = Object.entries(environ).filter(
      ([key, value]) => typeof value === 'string' && key !== 'proxy' && key !== ID,
    );
    expect(Object.fromEntries(strings)).toEqual({
      ...REQUEST,
      SCRIPT_NAME: '/cgi-bin/app/environ',
      PATH_INFO: '',
      HTTP_X_A: 'b',
      HTTP_X_EMPTY: '',
      SSL_PROTOCOL: 'TLSv1.3',
      'wsgi.url_scheme': 'http',
    });
    expect(environ).toMatchObject({
      'wsgi.version': [1, 0],
      'wsgi.multithread': false,
      'wsgi.multiprocess': true,
      'wsgi.run_once': true,
      'wsgi.input_terminated': true,
    });
  });

  it('is made of bytes, those included that are not UTF-8', async () => {
    const environ = await environOf(
      { HTTP_X_A: 'é€', SSL_A: 'plain' },
      'PATH_INFO="$(printf \'/environ/\\377\\303\\251\')"; export PATH_INFO;',
    );
    expect(environ).toMatchObject({ HTTP_X_A: '\u00c3\u00a9\u00e2\u0082\u00ac', SSL_A: 'plain' });
    if (process.platform === 'linux') expect(environ.PATH_INFO).toBe('/\u00ff\u00c3\u00a9');
  });

  it('is https by HTTPS', async () => {
    expect(await environOf({ HTTPS: 'on' })).toMatchObject({ 'wsgi.url_scheme': 'https', HTTPS: 'on' });
    expect(await environOf({ HTTPS: 'off' })).toMatchObject({ 'wsgi.url_scheme': 'http', HTTPS: 'off' });
  });

  it('has no header that would pass for a setting of the process, nor for another variable', async () => {
    const environ = await environOf({
      HTTP_PROXY: 'http://evil.example',
      HTTP_CONTENT_TYPE: 'a/b',
      HTTP_CONTENT_LENGTH: '5',
      CONTENT_TYPE: '',
      CONTENT_LENGTH: '',
    });
    expect(Object.keys(environ).filter((key) => /PROXY|CONTENT/.test(key))).toEqual([]);
    expect(environ.proxy).toBe('none');
  });

  it('gives the rest of the path as the server does, and is never without one', async () => {
    expect((await get({ PATH_INFO: '/x//y', SCRIPT_NAME: '/s' })).stdout).toMatch(/\/s\|\/x\/\/y$/);
    expect((await get({ PATH_INFO: '', SCRIPT_NAME: '/s' })).stdout).toMatch(/\/s\|$/);
    expect((await get({ PATH_INFO: '', SCRIPT_NAME: '' })).stdout).toMatch(/\|\/$/);
  });

  it('has the undecoded URL where the server gives it', async () => {
    expect(await environOf({ REQUEST_URI: '/cgi-bin/app/%65nviron' })).toMatchObject({
      REQUEST_URI: '/cgi-bin/app/%65nviron',
      RAW_URI: '/cgi-bin/app/%65nviron',
    });
  });

  it('does without what a poor server leaves out', async () => {
    const { stdout } = await get({ SERVER_NAME: '', SERVER_PORT: '', SERVER_PROTOCOL: '', GATEWAY_INTERFACE: '' });
    expect(stdout).toMatch(/^Status: 200 OK\r\n/);
  });
});

describe('the exchange of a CGI process', () => {
  it('sends the head and the body', async () => {
    const { code, stdout, stderr } = await get({ PATH_INFO: '/echo', CONTENT_LENGTH: '4' }, 'a\u00ffbc');
    expect(stdout).toBe(
      'Status: 201 Created\r\nX-A: 1\r\nx-a: caf\u00e9\r\nContent-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\na\u00ffbc',
    );
    expect([code, stderr]).toEqual([0, 'done\n']);
  });

  it('lets no header pass for the status', async () => {
    const { stdout } = await get({ PATH_INFO: '/status', TEST_BARE: '1' });
    expect(stdout).toBe('Status: 200 OK\r\nContent-Length: 0\r\n\r\n');
  });

  it('takes the bytes of CONTENT_LENGTH and no more, with stdin left open', async () => {
    const { child, ended } = start({ PATH_INFO: '/echo', CONTENT_LENGTH: '4' });
    child.stdin?.write('bodyANOTHER REQUEST');
    expect((await ended).stdout).toMatch(/\r\n\r\nbody$/);
  });

  it('reads nothing without a length, stdin left open', async () => {
    const { ended } = start({ PATH_INFO: '/echo' });
    expect((await ended).stdout).toMatch(/Content-Length: 0\r\n\r\n$/);
  });

  it('ends when the body is left unread', async () => {
    const { ended } = start({ PATH_INFO: '/unread', CONTENT_LENGTH: '100' });
    expect(await ended).toMatchObject({ code: 0, stderr: 'closed\ndone\n' });
  });

  it('reads to the end of stdin what a server has decoded', async () => {
    const { stdout } = await get({ PATH_INFO: '/echo', HTTP_TRANSFER_ENCODING: 'chunked' }, 'decoded');
    expect(stdout).toMatch(/\r\n\r\ndecoded$/);
  });

  it('tells the application that an upload broke off', async () => {
    const { stdout, stderr } = await get({ PATH_INFO: '/echo', CONTENT_LENGTH: '10' }, 'short');
    expect(stderr).toContain('the request body ended after 5 of 10 bytes');
    expect(stdout).toMatch(/^Status: 500 /);
  });

  it.each(['abc', '-1', '5, 5', '1e3'])('refuses a CONTENT_LENGTH of %j', async (length) => {
    expect((await get({ PATH_INFO: '/echo', CONTENT_LENGTH: length })).stdout).toMatch(/^Status: 400 Bad Request\r\n/);
  });

  it('sends no body with HEAD', async () => {
    const { stdout } = await get({ PATH_INFO: '/unread', REQUEST_METHOD: 'HEAD' });
    expect(stdout).toBe('Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n');
  });

  it('streams: a chunk arrives before the next is made', async () => {
    const { child, ended } = start({ PATH_INFO: '/dialogue', CONTENT_LENGTH: '7' });
    await new Promise<void>((resolve) => {
      let seen = '';
      child.stdout?.on('data', (data: Buffer) => {
        seen += data;
        if (seen.includes('first\n')) resolve();
      });
    });
    child.stdin?.write('second\n');
    expect((await ended).stdout).toMatch(/\r\n\r\nfirst\nsecond\n$/);
  });

  it('answers an error with a 500 and logs it', async () => {
    const { code, stdout, stderr } = await get({ PATH_INFO: '/error' });
    expect(stdout).toMatch(
      /^Status: 500 Internal Server Error\r\n[\s\S]*\r\n\r\nInternal Server Error\nRequest id: \S+\n$/,
    );
    expect(stderr).toContain('Error: private');
    expect(code).toBe(0);
  });

  it('shows a response that broke off by its exit code', async () => {
    const { code, stdout, stderr } = await get({ PATH_INFO: '/broken' });
    expect(stdout).toMatch(/\r\n\r\npart$/);
    expect(stderr).toMatch(/Error: broke[\s\S]*closed\ndone\n$/);
    expect(code).toBe(1);
  });

  it('shows a response that was never ended as well', async () => {
    expect((await get({ PATH_INFO: '/forgets' })).code).toBe(1);
  });

  it('waits for a server that does not read, and closes the body when it is gone', async () => {
    const { child, ended } = start({ PATH_INFO: '/endless' });
    child.stdout?.pause();
    let lines = 0;
    child.stderr?.on('data', (data: Buffer) => {
      lines += data.toString().split('\n').length - 1;
    });
    // Until nothing more is accepted: the pipe is full.
    for (let seen = -1; seen !== lines || lines === 0; ) {
      seen = lines;
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (lines > 1000) break;
    }
    expect(lines).toBeLessThan(1000);
    child.stdout?.destroy();
    const { code, stderr } = await ended;
    expect(stderr.match(/closed/g)).toHaveLength(1);
    expect(stderr).toMatch(/done\n$/);
    expect(code).toBe(0);
  });

  it('closes the body when the server ends the script', async () => {
    const { child, ended } = start({ PATH_INFO: '/waits' });
    child.stdout?.on('data', (data: Buffer) => {
      if (data.includes('waits')) child.kill('SIGTERM');
    });
    expect(await ended).toMatchObject({ signal: 'SIGTERM', stderr: expect.stringMatching(/^closed\n/) });
  });

  it('waits for what outlives the response', async () => {
    expect((await get({ PATH_INFO: '/later' })).stderr).toBe('noted\nclosed\nlater\ndone\n');
  });

  it('takes the options of every target', async () => {
    const options = (given: object) => ({ TEST_OPTIONS: JSON.stringify(given) });
    expect((await get({ PATH_INFO: '/mnt/x', ...options({ scriptName: '/mnt' }) })).stdout).toMatch(
      /\/cgi-bin\/app\/mnt\|\/x$/,
    );
    expect((await get({ PATH_INFO: '/x', ...options({ scriptName: '/mnt' }) })).stdout).toMatch(/Not Found\n$/);
    expect((await get({ ...options({ onError: 5 }) })).stderr).toMatch(/runCgi: onError must be a function/);
  });

  it('says that no web server has started it', async () => {
    const { stdout, stderr } = await get({ REQUEST_METHOD: '' });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/cgi: REQUEST_METHOD is not set/);
  });
});

// A CGI server that is not ours. Its class was taken out of Python 3.15.
const python = await promisify(execFile)('python3', ['-c', 'from http.server import CGIHTTPRequestHandler']).then(
  () => undefined,
  (error: Error) => `python3 has no CGI server: ${error.message.split('\n', 1)}`,
);
if (python !== undefined && process.env.CI) throw new Error(python);
if (python !== undefined) console.warn(`The test behind Python's CGI server is skipped: ${python}`);

describe.skipIf(python !== undefined)("behind CPython's http.server", () => {
  let server: ChildProcess;
  let port: number;
  let log = '';

  beforeAll(async () => {
    // As root, it would run the script as nobody, who may not read a checkout.
    const code = `import http.server as s, os
s.nobody_uid = os.getuid
h = s.ThreadingHTTPServer(('127.0.0.1', 0), s.CGIHTTPRequestHandler)
print(h.server_port, flush=True)
h.serve_forever()`;
    server = spawn('python3', ['-W', 'ignore', '-c', code], { cwd: folder });
    server.stderr?.on('data', (data: Buffer) => {
      log += data;
    });
    port = await new Promise<number>((resolve, reject) => {
      server.stdout?.once('data', (data: Buffer) => resolve(Number(data.toString())));
      server.once('close', () => reject(new Error(`python3 did not start: ${log}`)));
    });
  });
  afterAll(() => server?.kill());

  test('answers, with an environ that the validator finds nothing in', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/cgi-bin/app/demo/caf%C3%A9%20?x=%20y`, {
      headers: { 'User-Agent': 'a test' },
    });
    // This server has sent its own status line before it runs the script.
    expect(response.headers.get('status')).toBe('200 OK');
    const text = await response.text();
    expect(text).toMatch(/^Hello world!\n\n/);
    for (const line of [
      'GATEWAY_INTERFACE = "CGI/1.1"',
      'HTTP_USER_AGENT = "a test"',
      'PATH_INFO = "/caf\u00c3\u00a9 "',
      'QUERY_STRING = "x=%20y"',
      'REMOTE_ADDR = "127.0.0.1"',
      'REQUEST_METHOD = "GET"',
      'SCRIPT_NAME = "/cgi-bin/app/demo"',
      `SERVER_PORT = "${port}"`,
      'wsgi.run_once = true',
    ])
      expect(text.split('\n')).toContain(line);
  });

  // Its stdin is the connection itself, which the client keeps open.
  test('takes a body and sends it back', async () => {
    const body = new Uint8Array(1_000_000).map((_, at) => at % 251);
    const response = await fetch(`http://127.0.0.1:${port}/cgi-bin/app/echo`, { method: 'POST', body });
    expect(response.headers.get('status')).toBe('201 Created');
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
  });

  test('streams, and shows the exit code of a response that broke off', async () => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const received = (part: string) =>
      new Promise<void>((resolve) => {
        socket.on('data', () => text.includes(part) && resolve());
      });
    socket.on('data', (data) => {
      text += data;
    });
    const [first, second] = [received('first\n'), received('second\n')];
    socket.write('POST /cgi-bin/app/dialogue HTTP/1.0\r\nContent-Length: 7\r\n\r\n');
    await first;
    socket.write('second\n');
    await second;
    socket.destroy();
    expect(await (await fetch(`http://127.0.0.1:${port}/cgi-bin/app/broken`)).text()).toBe('part');
    await expect.poll(() => log).toContain('CGI script exit code 1');
  });

  test('closes the body when the client is gone', async () => {
    const before = log.split('closed\n').length;
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /cgi-bin/app/endless HTTP/1.0\r\n\r\n'));
    socket.once('data', () => socket.destroy());
    await expect.poll(() => log.split('closed\n').length, { timeout: 10_000 }).toBe(before + 1);
  });
});
