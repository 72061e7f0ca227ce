// The README as a newcomer follows it: its files, and its commands on Node.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modulesOf } from '../../scripts/python-packages.ts';
import { fileIn } from '../pages.ts';
import { notFetched } from './assets.ts';

const run = promisify(execFile);
const root = process.cwd();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-readme-'));
  mkdirSync(join(folder, 'node_modules/.cache'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/wsgi-edge'));
  symlinkSync(join(root, 'node_modules/pyodide'), join(folder, 'node_modules/pyodide'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const name of ['app.py', 'app.ts', 'worker.ts', 'lambda.ts', 'server.ts'])
    writeFileSync(join(folder, name), fileIn('README.md', name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = async (...args: string[]) =>
  (await run(process.execPath, [join(root, 'dist/command/index.js'), 'request', ...args], { cwd: folder })).stdout;

it('has an application in TypeScript, which greets in any script', async () => {
  expect(await request('app.ts', '/hello/caf%C3%A9', '--validate')).toMatch(
    /^HTTP\/1\.1 200 OK\n[\s\S]*<p>Hello, café!<\/p>$/,
  );
});

it('has handlers that compile', async () => {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    allowImportingTsExtensions: true,
    types: [join(root, 'node_modules/@types/node')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => expect.fail(stdout));
});

it.skipIf(notFetched(['flask'], 'the Flask application of the README'))(
  'has an application on Flask',
  async () => {
    symlinkSync(join(root, modulesOf('flask')), join(folder, 'python_modules'));
    expect(await request('app.py', '/?name=Zo%C3%AB')).toMatch(/\n\nHello, Zoë!$/);
  },
  120_000,
);
