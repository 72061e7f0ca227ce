// The command as a user runs it: the built file, in a folder of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOld } from '../command/node-version.js';
import { requestTarget } from '../command/request.js';
import { freePort } from './free-port.js';
import { withoutId } from './request-id.js';

const root = process.cwd();
const COMMAND = join(root, 'dist/command/index.js');
const RULES = { encoding: 'utf8' as const, maxBuffer: 16 * 1024 * 1024 };

/** A request on a connection of its own, which any process may get. */
const FRESH = { headers: { Connection: 'close' } };

interface Ended {
  code: number;
  out: string;
  err: string;
}

let folder: string;
const started: ChildProcess[] = [];

const APP = `import { greeting } from './greeting';
export default (environ: { PATH_INFO: string }, startResponse: (status: string, headers: [string, string][]) => void) => {
  if (environ.PATH_INFO === '/boom') throw new Error('boom <b>');
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode(greeting + environ.PATH_INFO + ' of ' + process.pid)];
};
`;

const ECHO = `export const app = async (environ, startResponse) => {
  startResponse('201 Created', []);
  const { REQUEST_METHOD, CONTENT_TYPE, HTTP_X_A, QUERY_STRING } = environ;
  const head = [REQUEST_METHOD, CONTENT_TYPE, HTTP_X_A, QUERY_STRING, ''].join(' ');
  return [new TextEncoder().encode(head), await environ['wsgi.input'].read()];
};
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-command-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/wsgi-edge'));
  // As "npm init" writes it.
  put('package.json', '{"name":"user","type":"commonjs"}');
  put('app.ts', APP);
  put('greeting.ts', "export const greeting: string = 'hello';\n");
  useRuntimeClient();
});
afterAll(async () => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);

function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder, ...RULES }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

/** Starts a command that goes on, and waits for a line of its output. */
async function begin(
  args: string[],
  line: RegExp,
  all: string[] = [COMMAND, ...args],
): Promise<{ child: ChildProcess; output: () => string; until(line: RegExp): Promise<void> }> {
  const child = spawn(process.execPath, all, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const until = async (wanted: RegExp) => {
    await expect.poll(() => output, { timeout: 60_000 }).toMatch(wanted);
  };
  await until(line);
  return { child, output: () => output, until };
}

/** Gives the folder the runtime client, which is built once for all tests. */
function useRuntimeClient(): void {
  const cache = join(root, 'node_modules/.cache/wsgi-edge');
  const here = join(folder, 'node_modules/.cache/wsgi-edge');
  mkdirSync(here, { recursive: true });
  for (const name of readdirSync(cache).filter((each) => each.startsWith('aws-lambda-ric')))
    if (!existsSync(join(here, name))) symlinkSync(join(cache, name), join(here, name));
}

const exited = (child: ChildProcess) =>
  new Promise<number | string | null>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode ?? child.signalCode);
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });

describe('mistakes', () => {
  it.each([
    [['serve', 'app.ts', '--prot', '1'], /Unknown option '--prot'; wsgi-edge serve --help lists the options/],
    [['serve'], /usage: wsgi-edge serve APPLICATION/],
    [['serve', 'none.ts'], /there is no file none\.ts/],
    [['serve', '.'], /"\." names no application: it must be like app\.ts, app\.py or package\.module:name/],
    [['serve', 'site.wsgi:app'], /there is no file site\/wsgi\.py, the Python module site\.wsgi/],
    [['serve', 'none.py'], /there is no file none\.py/],
    [['serve', 'app.ts', '--port', '80a'], /--port must be a number from 0 to 65535, not "80a"/],
    [['serve', 'app.ts', '--target', 'lambda:sqs'], /--target is node, cloudflare or lambda\[/],
    [['serve', 'app.ts', '--target', 'lambda', '--workers', '2'], /--workers is for the target node, not for lambda/],
    [['serve', 'app.ts', '--target', 'cloudflare', '--debug'], /--debug is for the target node, not for cloudflare/],
    [['serve', 'app.ts', '--target', 'cloudflare', '--record', 'x'], /--record is for the target node or lambda/],
    [['serve', 'app.ts', '--access-log=xml'], /--access-log is combined, common or json, not "xml"/],
    [['serve', 'throws.ts', '--port', '0'], /throws\.ts can't be imported:\nError: no settings\n +at .*throws\.ts:1:/],
    [['serve', 'syntax.ts', '--port', '0'], /syntax\.ts can't be imported:[\s\S]*const a: = 1;/],
    [['serve', 'missing.ts', '--port', '0'], /missing\.ts can't be imported:\n.*Cannot find package 'no-such-package'/],
    [
      ['serve', 'throws.ts', '--port', '0', '--workers', '2'],
      /no settings[\s\S]*could not be served; its error is above/,
    ],
    [['serve', 'app.ts:nothing', '--port', '0'], /app\.ts has no export nothing; it has default/],
    [['serve', 'greeting.ts', '--port', '0'], /greeting\.ts has no default export: .*\(greeting\)/],
    [['serve', 'handler.ts', '--port', '0'], /exports a handler of Fetch/],
    [['request', 'app.ts', 'no-slash'], /the path must begin with "\/"/],
    [['request', 'app.ts', '/', '-H', 'nonsense'], /--header takes "Name: value", not "nonsense"/],
    [['request', 'app.ts', '/', '-d', '@none'], /--data @none: ENOENT/],
    [['event'], /name the front end/],
    [['event', 'sqs'], /unknown kind of front end "sqs"/],
    [['conformance', 'nonsense'], /"nonsense" is no URL/],
    [['conformance', 'http://127.0.0.1:1'], /127\.0\.0\.1:1 does not answer: it must serve the application/],
    [['conformance', '--app', 'ruby'], /--app is python or typescript, not ruby/],
    [['init'], /has files \(.*\): init writes into an empty folder/],
    [['nonsense'], /there is no command nonsense/],
  ])('%j', async (args, message) => {
    put('handler.ts', 'export default { fetch: () => new Response() };\n');
    put('throws.ts', "throw new Error('no settings');\n");
    put('syntax.ts', 'const a: = 1;\n');
    put('missing.ts', "import 'no-such-package';\n");
    const { code, out, err } = await run(...args);
    expect(err).toMatch(message);
    expect([code, out]).toEqual([1, '']);
    // A mistake of the user has no stack, except the lines of their own modules.
    expect(err).not.toMatch(/^ +at (?!.*throws\.ts)/m);
  });
});

it('lists its commands and their options', async () => {
  expect((await run()).out).toMatch(/serve APPLICATION/);
  expect((await run('serve', '--help')).out).toMatch(/--reload +start again when a file changes/);
  expect((await run('--version')).out).toMatch(/^wsgi-edge \d+\.\d+\.\d+, Node /);
});

it('tells the Node that runs TypeScript from an older one', () => {
  expect(['20.20.2', '22.17.1', '22.18.0', '24.0.0'].map(isOld)).toEqual([true, true, false, false]);
});

describe('on an older Node', () => {
  const OLD = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })";
  const args = (...given: string[]) => [
    '--import',
    `data:text/javascript,${encodeURIComponent(OLD)}`,
    COMMAND,
    ...given,
  ];
  beforeAll(() => symlinkSync(join(root, 'node_modules/node'), join(folder, 'node_modules/node')));

  it('goes on with the npm package, and gives it standard input', async () => {
    put('echo.mjs', ECHO);
    const child = spawn(process.execPath, args('request', 'echo.mjs', '/', '-d', '@-'), { cwd: folder });
    started.push(child);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stdin.end('from standard input');
    expect(await exited(child)).toBe(0);
    expect(out).toMatch(/\n\nPOST .* from standard input$/);
  });

  it('does not go on with a Node that is old as well', async () => {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'bin/npm'), '#!/bin/sh\necho /usr/bin/node\necho 20.20.2\n', { mode: 0o755 });
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    const child = spawn(process.execPath, args('request', 'app.ts'), { cwd: folder, env });
    started.push(child);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    expect(await exited(child)).toBe(1);
    expect(err).toMatch(/npm gives Node 20\.20\.2 \(\/usr\/bin\/node\); install Node 22\.18 or later\n$/);
  });

  it('ends with the same status', async () => {
    const child = spawn(process.execPath, args('request', 'app.ts', '/boom'), { cwd: folder, stdio: 'ignore' });
    started.push(child);
    expect(await exited(child)).toBe(1);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'passes %s on, and ends by the signal that ends the command',
    async (signal) => {
      const port = await freePort();
      const given = args('serve', 'app.ts', '--port', String(port));
      const { child } = await begin([], /Ctrl\+C stops it/, given);
      expect(await (await fetch(`http://127.0.0.1:${port}/`, FRESH)).text()).toMatch(/^hello/);
      child.kill(signal);
      expect(await exited(child)).toBe('SIGTERM');
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    },
  );
});

it.each([
  ['/a%20b%25%2F?q=%E2%82%AC', '/a%20b%25%2F?q=%E2%82%AC'],
  ['/100%?a[]=1&b={x|y}', '/100%?a[]=1&b={x|y}'],
  ['/café menu?q=\u{1f600}', '/caf%C3%A9%20menu?q=%F0%9F%98%80'],
  ['/a\nb\u007f', '/a%0Ab%7F'],
  ['/lone\ud800', '/lone%EF%BF%BD'],
  ['/page?q=1#part', '/page?q=1'],
])('sends the path %j as %j', (path, target) => {
  expect(requestTarget(path)).toBe(target);
});

describe('request', () => {
  it('prints the response, and ends with 1 for a 500', async () => {
    const { code, out } = await run('request', 'app.ts', '/caf%C3%A9', '--validate');
    expect(out).toMatch(/^HTTP\/1\.1 200 OK\nContent-Type: text\/plain\n/);
    expect(out).toMatch(/\n\nhello\/cafÃ© of \d+$/);
    expect(code).toBe(0);
    const failed = await run('request', 'app.ts', '/boom');
    expect([failed.code, failed.out.split('\n')[0]]).toEqual([1, 'HTTP/1.1 500 Internal Server Error']);
    expect(failed.err).toMatch(/Error: boom <b>\n +at .*app\.ts:3:/);
  });

  it('sends a method, headers and a body', async () => {
    put('echo.mjs', ECHO);
    put('body.txt', '007');
    expect((await run('request', 'echo.mjs', '/?q=1', '-X', 'PUT', '-H', 'X-A: b', '-d', '@body.txt')).out).toMatch(
      /^HTTP\/1\.1 201 Created\n[\s\S]*\n\nPUT application\/x-www-form-urlencoded b q=1 007$/,
    );
  });

  it.each(['function-url', 'rest-api', 'http-api', 'alb'])('behind lambda:%s', async (frontEnd) => {
    const target = `lambda:${frontEnd}`;
    expect((await run('request', 'app.ts', '/x', '--target', target)).out).toMatch(
      /^HTTP\/1\.1 200 OK\n[\s\S]*\n\nhello\/x of \d+$/,
    );
  });
});

// Processes start slowly on a busy machine.
describe('serve', { timeout: 120_000 }, () => {
  it('serves, and ends with SIGTERM', async () => {
    const port = await freePort();
    const { child, output } = await begin(['serve', 'app.ts', '--port', String(port)], /Ctrl\+C stops it/);
    expect(output()).toBe(`app.ts: http://127.0.0.1:${port}/ (Ctrl+C stops it)\n`);
    expect(await (await fetch(`http://127.0.0.1:${port}/x`)).text()).toBe(`hello/x of ${child.pid}`);
    child.kill('SIGINT');
    await exited(child);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('says what to do about a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, err } = await run('serve', 'app.ts', '--port', String(port));
    server.close();
    expect([code, err.trim()]).toEqual([
      1,
      `node: 127.0.0.1:${port} is already in use; stop what listens there, or choose another port`,
    ]);
  });

  it('shares a port between processes, and replaces one that dies', async () => {
    const port = await freePort();
    const { child, until } = await begin(['serve', 'app.ts', '--port', String(port), '--workers', '2'], /Ctrl\+C/);
    const pidOf = async () => (await (await fetch(`http://127.0.0.1:${port}/`, FRESH)).text()).split(' ').pop() ?? '';
    const pids = new Set<string>();
    await expect.poll(async () => pids.add(await pidOf()).size, { timeout: 60_000 }).toBe(2);
    expect(pids.has(String(child.pid))).toBe(false);
    const [first = ''] = pids;
    process.kill(Number(first), 'SIGKILL');
    await until(/a process ended \(SIGKILL\), and another one starts/);
    await expect.poll(async () => pids.add(await pidOf()).size, { timeout: 60_000 }).toBe(3);
    child.kill('SIGTERM');
    expect(await exited(child)).toBe(0);
  });

  it('starts again when a file changes, and keeps serving through a mistake', async () => {
    const port = await freePort();
    const get = async () => (await (await fetch(`http://127.0.0.1:${port}/`, FRESH)).text()).split(' ')[0];
    const { child, until } = await begin(['serve', 'app.ts', '--port', String(port), '--reload'], /Ctrl\+C/);
    expect(await get()).toBe('hello/');
    put('greeting.ts', "export const greeting: string = 'good day';\n");
    await expect.poll(get, { timeout: 60_000 }).toBe('good');
    put('greeting.ts', 'export const greeting: = ;\n');
    await until(/greeting\.ts:1[\s\S]*is tried again when a file changes/);
    expect(await get()).toBe('good');
    put('greeting.ts', "export const greeting: string = 'hello';\n");
    await expect.poll(get, { timeout: 60_000 }).toBe('hello/');
    child.kill('SIGTERM');
    expect(await exited(child)).toBe(0);
  });

  it('ends when its processes end again and again', async () => {
    put(
      'dies.mjs',
      "export default (environ, startResponse) => { if (environ.PATH_INFO === '/die') process.exit(7); startResponse('200 OK', []); return []; };",
    );
    const port = await freePort();
    const { child, output } = await begin(['serve', 'dies.mjs', '--port', String(port), '--workers', '2'], /Ctrl\+C/);
    const end = exited(child);
    const state = { ended: false };
    end.then(() => {
      state.ended = true;
    });
    // node:cluster forgets a connection if its process ends before it has taken it.
    const die = () => fetch(`http://127.0.0.1:${port}/die`, { ...FRESH, signal: AbortSignal.timeout(1000) });
    while (!state.ended) await die().catch(() => {});
    expect(await end).toBe(1);
    expect(output()).toMatch(
      /(wsgi-edge: a process ended \(exit status 7\), and another one starts\n){9}.*processes ended 10 times within a minute; the last one with exit status 7\n$/,
    );
  });

  it('replaces a version that never starts, and that ignores signals', async () => {
    const port = await freePort();
    put('reloaded.ts', APP);
    const { child, until } = await begin(['serve', 'reloaded.ts', '--port', String(port), '--reload'], /Ctrl\+C/);
    put(
      'reloaded.ts',
      "process.on('SIGTERM', () => {});\nsetInterval(() => {}, 1000);\nconsole.log('it hangs');\nawait new Promise(() => {});\n",
    );
    await until(/it hangs/);
    put('reloaded.ts', APP.replace('greeting +', "'new ' +"));
    await until(/serving the new version/);
    expect(await (await fetch(`http://127.0.0.1:${port}/`, FRESH)).text()).toMatch(/^new /);
    child.kill('SIGTERM');
    expect(await exited(child)).toBe(0);
  });

  it('stops at once when Ctrl+C is pressed again', async () => {
    put('slow.mjs', "export default () => new Promise(() => console.log('it waits'));\n");
    for (const more of [[], ['--workers', '2']]) {
      const port = await freePort();
      const { child, until } = await begin(['serve', 'slow.mjs', '--port', String(port), ...more], /Ctrl\+C/);
      const pending = fetch(`http://127.0.0.1:${port}/`).catch((error: Error) => error.name);
      await until(/it waits/);
      child.kill('SIGINT');
      await until(/stopping when all requests are answered \(Ctrl\+C stops it at once\)/);
      expect(child.exitCode).toBe(null);
      child.kill('SIGINT');
      expect(await exited(child)).toBe(130);
      expect(await pending).toBe('TypeError');
    }
  });

  it('shows errors in the browser with --debug only', async () => {
    const [port, quiet] = [await freePort(), await freePort()];
    const { child } = await begin(['serve', 'app.ts', '--port', String(port), '--debug'], /Ctrl\+C/);
    const response = await fetch(`http://127.0.0.1:${port}/boom?a=<i>`, {
      headers: { Authorization: 'Basic c2VjcmV0', 'X-A': "it's" },
    });
    const page = await response.text();
    expect(response.status).toBe(500);
    expect(page).toContain('Error: boom &#60;b&#62;');
    // The line of the error, marked.
    expect(page).toMatch(/<mark> +3 {2} {2}if \(environ\.PATH_INFO === &#39;\/boom&#39;\) throw/);
    expect(page).toContain('curl -i -H &#39;X-A: it&#39;\\&#39;&#39;s&#39;');
    expect(page).not.toMatch(/c2VjcmV0|<i>|<b>/);
    child.kill('SIGTERM');
    const other = await begin(['serve', 'app.ts', '--port', String(quiet)], /Ctrl\+C/);
    expect(withoutId(await (await fetch(`http://127.0.0.1:${quiet}/boom`)).text())).toBe('Internal Server Error\n');
    other.child.kill('SIGTERM');
  });
});

it('logs each response, in a format', async () => {
  const port = await freePort();
  const { child, until } = await begin(['serve', 'app.ts', '--port', String(port), '--access-log=common'], /Ctrl\+C/);
  await (await fetch(`http://127.0.0.1:${port}/x`)).text();
  await until(/^127\.0\.0\.1 - - \[.*\] "GET \/x HTTP\/1\.1" 200 \d+$/m);
  child.kill('SIGTERM');
});

describe('serve --target', { timeout: 120_000 }, () => {
  it('cloudflare: logs each response, and serves on through a mistake', async () => {
    const port = await freePort();
    put('edge.ts', APP.replace(' + process.pid', " + 'workerd'"));
    const args = [
      'serve',
      'edge.ts',
      '--port',
      String(port),
      '--target',
      'cloudflare',
      '--access-log=json',
      '--reload',
    ];
    const { child, until } = await begin(args, /Ctrl\+C/);
    const get = async () => (await fetch(`http://127.0.0.1:${port}/x`)).text();
    expect(await get()).toBe('hello/x of workerd');
    await until(/"target":"\/x".*"status":200/);
    put('edge.ts', 'const a: = 1;\n');
    await until(/Build failed/);
    put('edge.ts', APP.replace(' + process.pid', " + 'the new version'"));
    await expect.poll(get, { timeout: 60_000 }).toBe('hello/x of the new version');
    child.kill('SIGTERM');
    expect(await exited(child)).toBe(0);
  });

  it('lambda: logs and records each response, and is tried again after a mistake', async () => {
    const port = await freePort();
    put('function.ts', APP);
    const args = ['serve', 'function.ts', '--port', String(port), '--target', 'lambda:http-api', '--reload'];
    const { child, until } = await begin([...args, '--access-log=common', '--record', 'recorded'], /Ctrl\+C/);
    const get = async () => (await fetch(`http://127.0.0.1:${port}/x`)).text().catch(() => '');
    expect(await get()).toMatch(/^hello\/x of/);
    await until(/"GET \/x HTTP\/1\.1" 200/);
    expect(readdirSync(join(folder, 'recorded'))).toEqual(['0001.json']);
    put('function.ts', "throw new Error('no settings');\n");
    await until(/can't be loaded: [\s\S]*no settings[\s\S]*tried again when a file changes/);
    put('function.ts', APP.replace('greeting +', "'new ' +"));
    await until(/has changed\nfunction\.ts: http:/);
    expect(await get()).toMatch(/^new /);
    child.kill('SIGTERM');
    expect(await exited(child)).toBe(0);
  });
});

describe('record and replay', () => {
  it('leaves secrets out, and compares targets', async () => {
    const port = await freePort();
    put(
      'echo.mjs',
      `export default async (environ, startResponse) => {
      startResponse('200 OK', [['X-Path', environ.PATH_INFO]]);
      return [await environ['wsgi.input'].read()];
    };`,
    );
    const { child } = await begin(['serve', 'echo.mjs', '--port', String(port), '--record', 'requests'], /Ctrl\+C/);
    const headers = { Authorization: 'Bearer hidden', 'X-A': 'b', 'Content-Type': 'application/json' };
    const body = JSON.stringify({ name: 'Zoë', login: { password: 'hidden' } });
    const response = await fetch(`http://127.0.0.1:${port}/caf%C3%A9?q=1&api_key=hidden`, {
      method: 'POST',
      headers,
      body,
    });
    expect(await response.text()).toBe(body);
    child.kill('SIGTERM');
    const text = readFileSync(join(folder, 'requests/0001.json'), 'utf8');
    expect(text).not.toContain('hidden');
    const { target, leftOut, body: kept } = JSON.parse(text);
    expect(target).toBe('/caf%C3%A9?q=1&api_key=left-out');
    expect(leftOut).toEqual(['AUTHORIZATION', 'api_key', 'password']);
    expect(Buffer.from(kept, 'base64').toString()).toBe('{"name":"Zoë","login":{"password":"left-out"}}');
    expect(Buffer.from(kept, 'base64').toString()).not.toContain('hidden');

    const twice = ['--target', 'node', '--target', 'node'];
    const same = await run('event', '--replay', 'requests/0001.json', '--application', 'echo.mjs', ...twice);
    expect([same.code, same.out]).toEqual([0, expect.stringContaining('2 targets give the same answer')]);
    put(
      'pid.mjs',
      "export default (environ, startResponse) => { startResponse('200 OK', []); return [new TextEncoder().encode(String(performance.now()))]; };",
    );
    const other = await run('event', '--replay', 'requests/0001.json', '--application', 'pid.mjs', ...twice);
    expect([other.code, other.out]).toEqual([1, expect.stringContaining('differs: the body between node and node')]);
    expect((await run('event', 'http-api', '--replay', 'requests/0001.json')).out).toContain('"rawPath"');
    expect((await run('event', '--replay', 'package.json', '--application', 'echo.mjs')).err).toMatch(
      /package\.json is no record of a request/,
    );
  });
});

describe('event', () => {
  it('prints the event of a front end', async () => {
    const { out } = await run('event', 'http-api', '/a?b=c', '-X', 'PATCH', '-H', 'Cookie: d=e');
    expect(JSON.parse(out)).toMatchObject({
      version: '2.0',
      rawPath: '/a',
      rawQueryString: 'b=c',
      cookies: ['d=e'],
      requestContext: { http: { method: 'PATCH' } },
    });
  });
});

describe('check', () => {
  it('finds no mistake where there is none', async () => {
    expect(await run('check', 'app.ts')).toMatchObject({ code: 0, out: expect.stringContaining('no mistakes found') });
  });

  it('takes no handler of another module and no secret for a mistake', async () => {
    symlinkSync(join(root, 'node_modules/wrangler'), join(folder, 'node_modules/wrangler'));
    put('wrangler.toml', 'name = "a"\nmain = "worker.ts"\ncompatibility_date = "2026-11-17"\n');
    put('worker.ts', "import { handlers } from './handlers.ts';\nexport default handlers.worker;\n");
    put('secret.ts', `${APP}\n// environ['workers.env'].SECRET_KEY\n`);
    const { code, out } = await run('check', 'secret.ts');
    rmSync(join(folder, 'wrangler.toml'));
    expect(out).toMatch(/advice +wrangler\.toml has no binding SECRET_KEY, .* unless it is a secret/);
    expect(out).toMatch(/ok +wrangler\.toml and worker\.ts fit together/);
    expect(code).toBe(0);
  });

  it('says why GET / fails', async () => {
    put('fails.mjs', "export default () => { throw new Error('no database'); };");
    expect((await run('check', 'fails.mjs')).out).toMatch(/advice +GET \/ answers 500 .*:\n[\s\S]*no database/);
  });

  it('names the wrong export on Lambda', async () => {
    put(
      'serverless.yml',
      'functions:\n  api:\n    handler: lambda.handler\n  stream:\n    handler: lambda.streamHandler\n',
    );
    put(
      'lambda.ts',
      "import { toCloudflareHandler } from 'wsgi-edge/cloudflare';\nexport const handler = toCloudflareHandler(app);\n",
    );
    const { code, out } = await run('check', 'app.ts');
    rmSync(join(folder, 'serverless.yml'));
    expect(out).toMatch(
      /mistake +lambda\.ts exports a handler for Workers \(toCloudflareHandler\): export const handler = toLambdaHandler\(application\)/,
    );
    expect(out).toMatch(
      /mistake +serverless\.yml names lambda\.streamHandler, and lambda\.ts has no export streamHandler/,
    );
    expect(code).toBe(1);
  });

  it('tells of a breach that only the validator sees', async () => {
    put('breach.mjs', "export default (environ, startResponse) => { startResponse('200 OK', []); return 'text'; };");
    expect(await run('check', 'breach.mjs')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/mistake +GET \/: /),
    });
  });
});

describe('init', () => {
  it.each(['ts', 'flask', 'django', 'bottle'])('--%s writes all files of a project', async (language) => {
    const name = `My ${language} site`;
    const { code, out } = await run('init', name, `--${language}`);
    expect([code, out]).toEqual([0, expect.stringMatching(/ install\n.* run dev/)]);
    const files = readdirSync(join(folder, name));
    expect(files).toEqual(
      expect.arrayContaining([
        '.editorconfig',
        '.gitignore',
        'README.md',
        'lambda.ts',
        'server.ts',
        'serverless.yml',
        'template.yaml',
        'test',
        'tsconfig.json',
        'worker.ts',
        'wrangler.toml',
      ]),
    );
    const manifest = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
    expect(manifest.name).toBe(`my-${language}-site`);
    expect(Object.keys(manifest.scripts)).toEqual(
      expect.arrayContaining(['dev', 'test', 'start', 'dev:cloudflare', 'package:lambda']),
    );
  });

  it('gives Django its secret on each platform', async () => {
    await run('init', 'secret', '--django');
    for (const name of ['worker.ts', 'lambda.ts', 'server.ts'])
      expect(readFileSync(join(folder, 'secret', name), 'utf8')).toContain(
        'fromPython(assets, { env: { SECRET_KEY: process.env.SECRET_KEY } });',
      );
  });

  it('writes only the platforms that are named', async () => {
    await run('init', 'only', '--node');
    expect(
      readdirSync(join(folder, 'only')).filter((name) => /worker|lambda|wrangler|serverless|template/.test(name)),
    ).toEqual([]);
  });

  it.each([
    ['yarn/4.18.1 npm/? node/v24.21.0 linux x64', 'yarn', true],
    ['yarn/1.22.22 npm/? node/v24.21.0 linux x64', 'yarn', false],
    ['bun/1.4.5 npm/? node/v24.21.0 linux x64', 'bun', false],
  ])('speaks the language of %s', async (agent, manager, configured) => {
    const name = `by ${agent.replace(/ .*/, '').replace('/', ' ')}`;
    const before = process.env.npm_config_user_agent;
    process.env.npm_config_user_agent = agent;
    const { out } = await run('init', name).finally(() => {
      if (before === undefined) delete process.env.npm_config_user_agent;
      else process.env.npm_config_user_agent = before;
    });
    expect(out).toContain(`${manager} run dev`);
    expect(readFileSync(join(folder, name, 'README.md'), 'utf8')).toContain(`${manager} run check`);
    // Its default layout of packages has no files for workerd.
    expect(existsSync(join(folder, name, '.yarnrc.yml'))).toBe(configured);
  });

  it('takes one language', async () => {
    expect((await run('init', 'two', '--flask', '--ts')).err).toMatch(/choose one of --ts and --flask/);
  });
});

describe('conformance', () => {
  it('holds on Node, in TypeScript', async () => {
    put('cases.mjs', (await run('conformance', '--app', 'typescript')).out);
    const port = await freePort();
    const { child } = await begin(['serve', 'cases.mjs', '--port', String(port)], /Ctrl\+C/);
    const { code, out } = await run('conformance', `http://127.0.0.1:${port}`, '--json', '--badge', 'badge.svg');
    child.kill('SIGTERM');
    const { held, of, outcomes } = JSON.parse(out);
    expect(outcomes.filter(({ differences }: { differences: string[] }) => differences.length > 0)).toEqual([]);
    expect([code, held]).toEqual([0, of]);
    expect(of).toBeGreaterThan(160);
    expect(readFileSync(join(folder, 'badge.svg'), 'utf8')).toContain(`${held} of ${of}`);
  });

  it('is one file of Python, too', async () => {
    const { out } = await run('conformance', '--app', 'python');
    expect(out).toMatch(/^SOURCES = json\.loads\(/m);
    expect(out).not.toContain('behaviour.json');
  });
});
