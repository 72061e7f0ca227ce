// The size of the assets: what is compressed, what takes the space, and the limit of Workers.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { contentsOf } from '../../python/builder/contents.js';
import { type BuildOptions, buildPython } from '../../python/builder/index.js';
import { compressBlock, UNPACK } from '../../python/builder/lz4.js';
import { contentTable } from '../../python/builder/table.js';
import { writeZip } from '../../python/builder/zip-writer.js';
import { fromPython } from '../../python/index.js';
import { inflate } from '../../python/interpreter/inflate.js';
import { BLOCK, restoreSnapshot } from '../../python/interpreter/snapshot.js';
import { readZip } from '../../python/interpreter/zip.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { CACHE, loadAssets } from './assets.ts';
import { startPlainWorker } from './workerd.ts';

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const APP = `
import hashlib

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    with open("/app" + environ["PATH_INFO"], "rb") as file:
        return [hashlib.sha256(file.read()).hexdigest().encode()]
`;

function put(path: string, data: string | Uint8Array): void {
  mkdirSync(dirname(join(scratch, path)), { recursive: true });
  writeFileSync(join(scratch, path), data);
}

const build = (name: string, options: Partial<BuildOptions> = {}) =>
  buildPython({
    application: join(scratch, name, 'app.py'),
    out: join(scratch, `${name} assets`),
    packages: [],
    cache: resolve(CACHE),
    ...options,
  });

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  // Repetitions, near and far.
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(3000), fc.nat(40_000))
    .map(([part, times, gap]) => Buffer.concat([Buffer.alloc(part.length * times, part), randomBytes(gap), part])),
  fc.string({ maxLength: 5000 }).map((text) => Buffer.from(text)),
);

describe('inflate', () => {
  const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY } = constants;
  it('gives back what zlib compressed', () => {
    const strategy = fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE);
    fc.assert(
      fc.property(bytes, fc.nat(9), strategy, (data, level, used) => {
        const compressed = deflateRawSync(data, { level, strategy: used });
        const read = inflate(Buffer.concat([compressed, Buffer.from('after the end')]), data.length);
        expect(Buffer.compare(read, data)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses data that is cut short, or has another length', () => {
    const data = Buffer.from('some text, some text, and some other text');
    const compressed = deflateRawSync(data);
    expect(() => inflate(compressed.subarray(0, 10), data.length)).toThrow('compressed data of the assets is damaged');
    expect(() => inflate(compressed, data.length - 1)).toThrow('damaged');
    expect(() => inflate(compressed, data.length + 1)).toThrow('damaged');
    expect(() => inflate(Buffer.from([7]), 1)).toThrow('damaged');
  });

  it('ends on any data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (data) => {
        try {
          expect(inflate(data, 1000)).toHaveLength(1000);
        } catch (error) {
          expect((error as Error).message).toContain('damaged');
        }
      }),
    );
  });
});

it('files are compressed where that helps, and read as they were', async () => {
  const files = { 'text.txt': Buffer.alloc(300_000, 'the same text again '), 'noise.bin': randomBytes(100_000) };
  put('read/app.py', APP);
  for (const [name, data] of Object.entries(files)) put(`read/${name}`, data);
  const { assets } = await build('read');
  const sizes = Object.fromEntries(readZip(assets.site).map(({ name, size }) => [name, size]));
  expect(sizes['app/text.txt']).toBeLessThan(3000);
  expect(sizes['app/noise.bin']).toBe(100_000);
  const app = fromPython(assets);
  for (const [name, data] of Object.entries(files)) {
    const response = await callApp(app, testEnviron({ PATH_INFO: `/${name}` }));
    expect(response.text()).toBe(createHash('sha256').update(data).digest('hex'));
  }
});

describe('the pages of a snapshot', () => {
  const unpack = new WebAssembly.Module(UNPACK);
  // A run for each page, in memory that is twice as large.
  const restored = (data: Uint8Array, blocks: Uint8Array[], runs: Array<[number, number]>): Uint8Array => {
    const heap = new Uint8Array(data.length * 2);
    restoreSnapshot(heap, { runs, blocks: blocks.map(({ length }) => length) }, Buffer.concat(blocks), unpack);
    return heap;
  };

  it('come back from their blocks at the places of their runs', () => {
    const memory = fc.oneof(
      bytes,
      // A block and a half, whose contents repeat: next to one another, beyond the distance of a match, and in long runs.
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.constantFrom(7, 300, 70_000), fc.nat(255))
        .map(([part, gap, byte]) =>
          Buffer.concat(
            Array.from({ length: Math.ceil((BLOCK * 1.5) / (gap * 2 + part.length)) }, () =>
              Buffer.concat([part, randomBytes(gap), Buffer.alloc(gap, byte)]),
            ),
          ),
        ),
    );
    fc.assert(
      fc.property(memory, fc.nat(1), (data, shift) => {
        fc.pre(data.length > 1);
        const blocks: Uint8Array[] = [];
        for (let at = 0; at < data.length; at += BLOCK) blocks.push(compressBlock(data.subarray(at, at + BLOCK)));
        const half = data.length >> 1;
        const runs: Array<[number, number]> = [
          [shift, half],
          [data.length + shift, data.length - half],
        ];
        const heap = restored(data, blocks, runs);
        expect(Buffer.compare(heap.subarray(shift, shift + half), data.subarray(0, half))).toBe(0);
        const rest = heap.subarray(data.length + shift, data.length * 2 - half + shift);
        expect(Buffer.compare(rest, data.subarray(half))).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('are refused if they are damaged', () => {
    const data = new Uint8Array(5000).fill(7);
    const block = compressBlock(data);
    const refused = (blocks: Uint8Array[], runs: Array<[number, number]>) =>
      expect(() => restored(data, blocks, runs)).toThrow('compressed data of the assets is damaged');
    refused([block], [[0, 4096]]);
    refused([block], [[0, 8192]]);
    refused([new Uint8Array(1000).fill(255)], [[0, 5000]]);
  });
});

it('the snapshot is compressed to less than half, and starts on Node and at the top level of a Worker', async () => {
  put('small/app.py', APP);
  put('small/text.txt', 'text');
  const { out, assets } = await build('small');
  const pages = assets.manifest.snapshot?.runs.reduce((sum, [, length]) => sum + length, 0) ?? 0;
  expect((assets.snapshot as Uint8Array).length).toBeLessThan(pages * 0.45);
  const digest = createHash('sha256').update('text').digest('hex');
  const app = fromPython(await loadAssets(out));
  expect((await callApp(app, testEnviron({ PATH_INFO: '/text.txt' }))).text()).toBe(digest);
  const code = `import assets from './assets.mjs';
    import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
    import { fromPython } from '../../python/index.js';
    const app = fromPython(assets);
    await app.boot();
    export default toCloudflareHandler(app);`;
  const { port, stop } = await startPlainWorker(code, out);
  try {
    expect(await (await fetch(`http://127.0.0.1:${port}/text.txt`)).text()).toBe(digest);
  } finally {
    stop();
  }
}, 60_000);

describe('assets of more than 64 MiB', () => {
  it('are an error for Workers, which says what takes the space, and none for Node', async () => {
    put('large/app.py', APP);
    put('large/data/noise.bin', randomBytes(50 * 1_048_576));
    const out = join(scratch, 'large assets');
    const command = [resolve('dist/command/index.js'), 'build-python', join(scratch, 'large/app.py')];
    const failed = await run(process.execPath, [...command, '--out', out]).catch((error) => error);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /the assets have \d\d\.\d MiB, and a Worker may have 64\.0 MiB with its own code:\n.*\n 50\.0 {6}50\.0 {6}1 {2}data\n/,
    );
    expect(existsSync(out)).toBe(false);
    const { stdout } = await run(process.execPath, [...command, '--out', out, '--target', 'node']);
    expect(stdout).toMatch(/50\.0 {6}50\.0 {6}1 {2}data\n/);
    expect(readdirSync(out)).not.toContain('assets.mjs');
    expect(readdirSync(out)).toContain('node.mjs');
  }, 120_000);

  it('are counted without the files that a Worker does not import', async () => {
    put('worker/app.py', APP);
    const { out } = await build('worker', { target: 'worker', snapshot: 'none' });
    expect(readdirSync(out)).not.toContain('node.mjs');
    expect(readFileSync(join(out, 'assets.mjs'), 'utf8')).toContain("import site from './site.zip'");
  });
});

it('the table names packages and folders of the application, the largest first', () => {
  const zip = writeZip([
    { name: 'app/app.py', data: Buffer.from('x') },
    { name: 'app/static/noise.bin', data: randomBytes(200_000) },
    { name: 'packages/lib/a.pyc', data: randomBytes(100_000) },
    { name: 'packages/lib/b.pyc', data: Buffer.alloc(1_048_576) },
    { name: 'packages/lib-1.0.dist-info/METADATA', data: Buffer.from('Name: lib') },
    ...Array.from({ length: 14 }, (_, index) => ({ name: `packages/m${index}.pyc`, data: Buffer.alloc(2) })),
  ]);
  expect(contentTable(contentsOf(zip)).split('\n').slice(0, 4)).toEqual([
    '  MiB, unpacked, files  in site.zip',
    '  0.2       0.2      1  static',
    '  0.1       1.1      2  packages/lib',
    '  0.0       0.0      1  packages/*.dist-info',
  ]);
  expect(contentTable(contentsOf(zip))).toMatch(/\n {2}0\.0 {7}0\.0 {6}3 {2}3 more$/);
});
