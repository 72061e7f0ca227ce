import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { staticFiles } from '../../middleware/index.js';
import type { Application, HeaderList } from '../../src/types.js';
import { answering, get } from './call.js';

const fallback = answering('application', [], '404 Not Found');
let folder: string;
let app: Application;

beforeAll(() => {
  const parent = mkdtempSync(join(tmpdir(), 'wsgi-edge-files-'));
  folder = join(parent, 'public');
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
    utimesSync(join(folder, path), 784903526, 784903526);
  };
  write('a.txt', '0123456789');
  write('a.js', 'code');
  write('data.unknown', 'bytes');
  write('sub/index.html', '<h1>sub</h1>');
  write('empty/a.txt', 'a');
  write('.env', 'SECRET=1');
  write('.git/config', 'secret');
  write('.well-known/security.txt', 'contact');
  write('sub/.hidden/a.txt', 'secret');
  write('style.css', 'plain');
  write('style.css.br', 'brotli');
  write('../secret.txt', 'secret');
  write('../public-too/secret.txt', 'secret');
  symlinkSync('../secret.txt', join(folder, 'leak.txt'));
  symlinkSync('../public-too', join(folder, 'leaks'));
  symlinkSync('a.txt', join(folder, 'inside.txt'));
  symlinkSync('loop', join(folder, 'loop'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  app = staticFiles({ folder, prefix: '/static' })(fallback);
});
afterAll(() => rmSync(join(folder, '..'), { recursive: true }));

describe('staticFiles', () => {
  it('serves a file with its type, tag, date and length', async () => {
    const response = await get(app, '/static/a.txt');
    expect([response.code, response.text()]).toEqual([200, '0123456789']);
    expect(Object.fromEntries(response.headers)).toEqual({
      'Content-Type': 'text/plain; charset=utf-8',
      ETag: '"a-b6bfe55670"',
      'Last-Modified': 'Tue, 15 Nov 1994 12:45:26 GMT',
      'Cache-Control': 'public, max-age=0',
      'Accept-Ranges': 'bytes',
      'Content-Length': '10',
    });
    expect((await get(app, '/static/data.unknown')).header('content-type')).toBe('application/octet-stream');
    expect((await get(app, '/static/a.js')).header('content-type')).toBe('text/javascript; charset=utf-8');
    expect((await get(app, '/static/inside.txt')).text()).toBe('0123456789');
    expect((await get(app, '/static/.well-known/security.txt')).text()).toBe('contact');
  });

  it('answers HEAD, conditions and ranges', async () => {
    const ask = (headers: HeaderList, method = 'GET') => get(app, '/static/a.txt', headers, { REQUEST_METHOD: method });
    const head = await ask([], 'HEAD');
    expect([head.code, head.text(), head.header('content-length')]).toEqual([200, '', '10']);
    const same = await ask([['If-None-Match', '"a-b6bfe55670"']]);
    expect([same.code, same.header('etag'), same.header('content-type')]).toEqual([304, '"a-b6bfe55670"', undefined]);
    expect((await ask([['If-Modified-Since', 'Tue, 15 Nov 1994 12:45:26 GMT']])).code).toBe(304);
    expect((await ask([['If-Match', '"x"']])).code).toBe(412);
    const part = await ask([['Range', 'bytes=-3']]);
    expect([part.code, part.text(), part.header('content-range')]).toEqual([206, '789', 'bytes 7-9/10']);
    expect((await ask([['Range', 'bytes=10-']])).code).toBe(416);
    expect(
      (
        await ask([
          ['Range', 'bytes=0-1'],
          ['If-Range', '"x"'],
        ])
      ).code,
    ).toBe(200);
  });

  it('serves index.html for a folder, and redirects to the folder with its query, relatively', async () => {
    expect((await get(app, '/static/sub/')).text()).toBe('<h1>sub</h1>');
    const moved = await get(app, '/static/sub?a=1');
    expect([moved.code, moved.header('location')]).toEqual([308, 'sub/?a=1']);
    const mounted = staticFiles({ folder: join(folder, 'sub'), prefix: '/static/sub' })(fallback);
    expect((await get(mounted, '/static/sub')).header('location')).toBe('sub/');
    expect((await get(mounted, '/static/sub/')).text()).toBe('<h1>sub</h1>');
    expect((await get(app, '/static/empty')).text()).toBe('application');
    expect((await get(app, '/static/empty/')).text()).toBe('application');
  });

  it('sends a precompressed file to clients that accept it, with a tag of its own', async () => {
    const smaller = staticFiles({ folder, precompressed: true })(fallback);
    const response = await get(smaller, '/style.css', [['Accept-Encoding', 'gzip, br']]);
    expect([response.text(), response.header('content-encoding'), response.header('vary')]).toEqual([
      'brotli',
      'br',
      'Accept-Encoding',
    ]);
    const plain = await get(smaller, '/style.css', [['Accept-Encoding', 'br;q=0']]);
    expect([plain.text(), plain.header('vary')]).toEqual(['plain', 'Accept-Encoding']);
    expect(plain.header('etag')).not.toBe(response.header('etag'));
    expect(response.header('content-type')).toBe('text/css; charset=utf-8');
  });

  it.each([
    '/static/../secret.txt',
    '/static/%2e%2e/secret.txt',
    '/static/..%2fsecret.txt',
    '/static/..%5csecret.txt',
    '/static/..\\secret.txt',
    '/static/sub%2findex.html',
    '/static/sub%2Findex.html',
    '/static//etc/passwd',
    '/static/sub//index.html',
    '/static/./a.txt',
    '/static/a.txt%00.html',
    '/static/a.txt%0a',
    '/static/.env',
    '/static/.git/config',
    '/static/sub/.hidden/a.txt',
    '/static/leak.txt',
    '/static/leaks/secret.txt',
    '/static/loop',
    '/static/pipe',
    '/static/a.txt/',
    '/static/a.txt/b',
    '/static/a.txt::$DATA',
    '/static/%ff.txt',
    `/static/${'a'.repeat(5000)}`,
    '/staticx/a.txt',
    '/a.txt',
  ])('gives nothing for %.40s', async (path) => {
    const response = await get(app, path);
    expect([response.code, response.text()]).toEqual([404, 'application']);
  });

  it('finds nothing outside through a path that a middleware has changed', async () => {
    const response = await get(app, '/', [], { PATH_INFO: '/static/../secret.txt' });
    expect(response.text()).toBe('application');
  });

  it('leaves other methods to the application', async () => {
    expect((await get(app, '/static/a.txt', [], { REQUEST_METHOD: 'POST' })).text()).toBe('application');
  });

  it('closes the file, also if it is not read to its end', async () => {
    const breaking: Application = async (environ, startResponse) => {
      const body = (await app(environ, startResponse)) as AsyncIterable<Uint8Array> & { close?(): void };
      return {
        async *[Symbol.asyncIterator]() {
          for await (const chunk of body) yield chunk.subarray(0, 1);
          throw new Error('broken off');
        },
        close: () => body.close?.(),
      };
    };
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      await get(app, '/static/a.txt', [['Range', 'bytes=0-1']]);
      await get(breaking, '/static/a.txt').catch(() => {});
    }
    expect(openFiles()).toBe(before);
  });

  it('asks the assets binding of a Worker before the folder, and the application if it has nothing', async () => {
    const asked: string[] = [];
    const ASSETS = {
      fetch: async (request: Request) => {
        asked.push(new URL(request.url).pathname);
        return request.url.endsWith('/a.txt')
          ? new Response('asset', { headers: { ETag: '"w"' } })
          : new Response('none', { status: 404 });
      },
    };
    const found = await get(app, '/static/a.txt', [], { 'workers.env': { ASSETS } });
    expect([found.text(), found.header('etag')]).toEqual(['asset', '"w"']);
    expect((await get(app, '/static/b.txt', [], { 'workers.env': { ASSETS } })).text()).toBe('application');
    expect((await get(app, '/static/.env', [], { 'workers.env': { ASSETS } })).text()).toBe('application');
    expect(asked).toEqual(['/a.txt', '/b.txt']);
  });

  it('says what is missing', async () => {
    expect(() => staticFiles({ folder, prefix: 'static/' })).toThrow('prefix must be like "/static", not "static/"');
    expect((await get(staticFiles({})(fallback), '/a')).log).toContain(
      'there is neither a binding ASSETS nor a folder',
    );
    vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
    const response = await get(staticFiles({ folder })(fallback), '/a.txt').finally(() => vi.unstubAllGlobals());
    expect(response.log).toContain('this platform has no file system');
  });
});

const openFiles = () => readdirSync('/proc/self/fd').length;
