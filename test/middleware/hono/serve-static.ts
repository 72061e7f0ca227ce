import type { StaticFilesOptions } from '../../../middleware/index.js';
import type { HeaderList } from '../../../src/types.js';
import type { Absent, HonoCase } from './case.js';

/** The files of the cases. Hono's tests have a function that answers every path. */
export const FILES: Record<string, string> = {
  'hello.html': 'Hello in static/hello.html',
  'hello.html.br': 'Hello in static/hello.html.br',
  'hello.html.zst': 'Hello in static/hello.html.zst',
  'hello.unknown': 'Hello in static/hello.unknown',
  'hello.unknown.br': 'Hello in static/hello.unknown.br',
  'hello.jpg': 'Hello in static/hello.jpg',
  'sub/index.html': 'Hello in static/sub/index.html',
  'hello.world/index.html': 'Hello in static/hello.world/index.html',
  '炎.txt': 'Hello in static/炎.txt',
  'empty.txt': '',
  'html/hello.html': 'Hello in static/html/hello.html',
  'admin/secret.txt': 'Hello in static/admin/secret.txt',
  'secret.txt': 'not reached',
};

const options: StaticFilesOptions = { prefix: '/static' };
const precompressed: StaticFilesOptions = { ...options, precompressed: true };
const get = (path: string, accept?: string) => ({
  path,
  ...(accept !== undefined && { headers: [['Accept-Encoding', accept]] as HeaderList }),
});
const missing = { status: 404, body: '404 Not Found', headers: { 'Content-Encoding': null, Vary: null } };
const app = { status: '404 Not Found', headers: [['Content-Type', 'text/plain']] as HeaderList, body: '404 Not Found' };
const SLASH = 'a folder is redirected to its path with a "/", without which the relative links of its page would break';
const VARY = 'Vary is sent whenever the answer could have been another one, for the sake of caches';
const moved = (Location: string) => ({ status: 308, headers: { Location } });

export const serveStatic: Array<HonoCase<StaticFilesOptions>> = [
  {
    test: 'Should return 200 response - /static/hello.html',
    request: get('/static/hello.html'),
    wanted: {
      status: 200,
      body: 'Hello in static/hello.html',
      headers: { 'Content-Encoding': null, 'Content-Type': /^text\/html/ },
    },
  },
  {
    test: 'Should return 200 response - /static/sub',
    request: get('/static/sub'),
    wanted: { status: 200, body: 'Hello in static/sub/index.html' },
    ours: moved('sub/'),
    why: SLASH,
  },
  {
    test: 'Should return 200 response - /static/sub (2)',
    request: get('/static/sub/'),
    wanted: { status: 200, body: 'Hello in static/sub/index.html', headers: { 'Content-Type': /^text\/html/ } },
  },
  {
    test: 'Should return 200 response - /static/hello.world',
    request: get('/static/hello.world'),
    wanted: { status: 200, body: 'Hello in static/hello.world/index.html' },
    ours: moved('hello.world/'),
    why: SLASH,
  },
  {
    test: 'Should decode URI strings - /static/%E7%82%8E.txt',
    request: get('/static/%E7%82%8E.txt'),
    wanted: { status: 200, body: 'Hello in static/炎.txt', headers: { 'Content-Type': /^text\/plain/ } },
  },
  {
    test: 'Should return 404 response - /static/not-found.txt',
    request: get('/static/not-found.txt'),
    wanted: missing,
  },
  {
    test: 'Should return 200 response for empty string content - /static/empty.txt',
    request: get('/static/empty.txt'),
    wanted: { status: 200, body: '' },
  },
  {
    test: 'Should not allow a directory traversal - /static/%2e%2e/static/hello.html',
    request: get('/static/%2e%2e/static/hello.html'),
    wanted: missing,
  },
  {
    test: 'Should not allow a backslash separator injection - /static/admin%5Csecret.txt',
    request: get('/static/admin%5Csecret.txt'),
    wanted: missing,
  },
  {
    test: 'Should return a pre-compressed zstd response - /static/hello.html',
    options: precompressed,
    request: get('/static/hello.html', 'zstd'),
    wanted: {
      status: 200,
      body: 'Hello in static/hello.html.zst',
      headers: { 'Content-Encoding': 'zstd', Vary: 'Accept-Encoding', 'Content-Type': /^text\/html/ },
    },
  },
  {
    test: 'Should return a pre-compressed brotli response - /static/hello.html',
    options: precompressed,
    request: get('/static/hello.html', 'wompwomp, gzip, br, deflate, zstd'),
    wanted: {
      status: 200,
      body: 'Hello in static/hello.html.br',
      headers: { 'Content-Encoding': 'br', Vary: 'Accept-Encoding', 'Content-Type': /^text\/html/ },
    },
  },
  {
    test: 'Should return a pre-compressed brotli response - /static/hello.unknown',
    options: precompressed,
    request: get('/static/hello.unknown', 'wompwomp, gzip, br, deflate, zstd'),
    wanted: {
      status: 200,
      body: 'Hello in static/hello.unknown.br',
      headers: { 'Content-Encoding': 'br', 'Content-Type': 'application/octet-stream' },
    },
  },
  {
    test: 'Should not return a pre-compressed response - /static/not-found.txt',
    options: precompressed,
    request: get('/static/not-found.txt', 'gzip, zstd, br'),
    wanted: missing,
  },
  {
    test: 'Should not return a pre-compressed response - /static/hello.html',
    options: precompressed,
    request: get('/static/hello.html', 'wompwomp, unknown'),
    wanted: { status: 200, body: 'Hello in static/hello.html', headers: { 'Content-Encoding': null, Vary: null } },
    ours: {
      status: 200,
      body: 'Hello in static/hello.html',
      headers: { 'Content-Encoding': null, Vary: 'Accept-Encoding' },
    },
    why: VARY,
  },
  {
    test: 'Should not find pre-compressed files - /static/hello.jpg',
    options: precompressed,
    request: get('/static/hello.jpg', 'gzip, br, deflate, zstd'),
    wanted: {
      status: 200,
      body: 'Hello in static/hello.jpg',
      headers: { 'Content-Encoding': null, Vary: null, 'Content-Type': /^image\/jpeg/ },
    },
    ours: {
      status: 200,
      body: 'Hello in static/hello.jpg',
      headers: { 'Content-Encoding': null, Vary: 'Accept-Encoding', 'Content-Type': /^image\/jpeg/ },
    },
    why: VARY,
  },
  {
    test: 'Should not allow bypass via path mismatch between middleware and serveStatic',
    request: get('/static/admin/secret.txt'),
    wanted: { status: 200, body: 'Hello in static/admin/secret.txt' },
  },
  {
    test: 'Should not allow bypass via path mismatch between middleware and serveStatic (2)',
    request: get('/static/admin%2Fsecret.txt'),
    wanted: missing,
  },
  {
    test: 'Should not allow bypass via path mismatch between middleware and serveStatic (3)',
    request: get('/static//admin/secret.txt'),
    wanted: missing,
  },
].map((one) => ({ options, app, ...one }));

const ROOT = 'the folder is a path of the file system, which the application names';
export const absent: Absent = {
  'Should return response object content as-is': 'test/cloudflare.test.ts has the assets binding',
  'Should return the content with absolute root path': ROOT,
  'Should traverse the directories with absolute root path': ROOT,
  'Should treat the root path includes .. as relative path': ROOT,
  'Should not allow directory traversal with . as relative path': ROOT,
};
