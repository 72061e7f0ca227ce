// The pages of docs/start and docs/guides as a reader follows them: their files compile, their examples and tests run, and
// `wsgi-edge request` prints the response that stands below it.
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modulesOf } from '../../scripts/python-packages.ts';
import { moduleOf } from '../examples.ts';
import { type Block, blocksOf } from '../pages.ts';
import { ASSETS, notFetched } from './assets.ts';

const run = promisify(execFile);
const root = process.cwd();
const COMMAND = join(root, 'dist/command/index.js');
const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pages = globSync(['docs/index.md', 'docs/start/*.md', 'docs/guides/*.md'])
  .sort()
  .map((path) => ({ path, folder: join(folder, path.replace(/\.md$/, '')), blocks: blocksOf(path) }));

/** The file of each block of TypeScript. Those that the page does not name are examples. */
const modulesIn = (blocks: Block[]) =>
  blocks
    .filter(({ language }) => language === 'ts')
    .map(({ code, file }, at) => ({
      code: file === undefined ? moduleOf(code) : code,
      file: file ?? `example-${at}.ts`,
    }));

const pythonIn = (blocks: Block[]) =>
  blocks.filter(({ language, file }) => language === 'python' && file !== undefined);

/** Writes files of a page. A folder of Python modules is a package. */
function write(folder: string, files: Array<{ file?: string | undefined; code: string }>): void {
  for (const { file = '', code } of files) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
    if (dirname(file) !== '.') writeFileSync(join(dirname(path), '__init__.py'), '');
  }
}

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules/@cloudflare'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/wsgi-edge'));
  for (const name of ['pyodide', 'hono', '@cloudflare/workers-types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const page of pages) {
    write(page.folder, [...pythonIn(page.blocks), ...modulesIn(page.blocks)]);
    symlinkSync(join(root, ASSETS), join(page.folder, 'python_assets'));
    symlinkSync(join(root, modulesOf('flask')), join(page.folder, 'python_modules'));
  }
  // The packages of an application are built once for each folder.
  for (const set of ['flask', 'django'] as const) {
    mkdirSync(join(folder, set));
    symlinkSync(join(root, modulesOf(set)), join(folder, set, 'python_modules'));
    symlinkSync(join(folder, 'node_modules'), join(folder, set, 'node_modules'));
  }
});

it('have files that compile', { timeout: 120_000 }, async () => {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: 'nodenext',
    target: 'esnext',
    lib: ['esnext', 'dom', 'dom.iterable', 'dom.asynciterable'],
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    types: [join(root, 'node_modules/@types/node')],
  };
  writeFileSync(
    join(folder, 'workers.d.ts'),
    `declare module 'cloudflare:sockets' { export const connect: typeof import('@cloudflare/workers-types').connect; }
declare module 'cloudflare:workers' { export const env: Record<string, string>; }`,
  );
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => expect.fail(stdout));
});

/** Tells whether a module runs on Node, and ends. */
const ends = ({ code }: { code: string }) => !/cloudflare:|assets\.mjs|await serve\(/.test(code);

const missing = notFetched(['flask', 'django'], 'the pages with Python');

describe.each(pages)('$path', ({ path, folder: own, blocks }) => {
  const files = modulesIn(blocks).flatMap((module) => (ends(module) ? [module.file] : []));

  it('has modules that run', { timeout: 120_000 }, async () => {
    const test = files.some((file) => file.endsWith('.test.ts'));
    const imports = files.map((file) => `await import('./${file}');`).join('\n');
    await run(process.execPath, [...(test ? ['--test', ...files] : ['--input-type=module', '-e', imports])], {
      cwd: own,
    }).catch(({ stdout, stderr }) => expect.fail(`${stdout}${stderr}`));
  });

  const asked = blocks.flatMap(({ language, code }, at) => {
    const [, words = ''] = /^npx wsgi-edge (request .*)\n$/.exec(language === 'sh' ? code : '') ?? [];
    const answer = blocks[at + 1];
    return words === '' || answer?.language !== 'text' ? [] : [{ words, answer: answer.code }];
  });

  it.skipIf(missing).for(asked)('answers $words', { timeout: 120_000 }, async ({ words, answer }) => {
    const python = pythonIn(blocks);
    const cwd = python.length === 0 ? own : join(folder, path.endsWith('django.md') ? 'django' : 'flask');
    write(cwd, python);
    const args = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? (word as string));
    const { stdout, stderr } = await run(process.execPath, [COMMAND, ...args], { cwd }).catch((error) => error);
    // The headers of the server, and the progress of the first build.
    const shown = stdout.replace(
      /^(?:(?:Date|Connection|Keep-Alive|Transfer-Encoding): |building the packages).*\n/gm,
      '',
    );
    expect(shown.trim(), stderr).toBe(answer.trim());
  });
});

it('show responses', () => {
  const answers = pages.flatMap(({ blocks }) => blocks.filter(({ code }) => code.startsWith('HTTP/1.1 ')));
  expect(answers.length).toBeGreaterThan(5);
});
