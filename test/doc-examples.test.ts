// Every public function has an @example in its doc comment. They are compiled and run as modules of a user of the package.
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { moduleOf } from './examples.ts';

const run = promisify(execFile);
const root = process.cwd();
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  name: string;
  exports: Record<string, { default: string } | string>;
};
const COMMENT = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport (?:async )?(?:function|const|class) (\w+)/g;
const EXAMPLE = /@example\n \* {2}```ts\n([\s\S]*?)\n \* {2}```/g;

const documented = globSync('{src,http,middleware,opentelemetry,targets,python,testing,emulation}/**/*.ts')
  .sort()
  .flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(COMMENT)].map(([, comment = '', name = '']) => ({
      path,
      name,
      examples: [...comment.matchAll(EXAMPLE)].map(([, code = '']) => code.replace(/^ \*(?: {2})?/gm, '')),
    })),
  );

interface Example {
  subpath: string;
  name: string;
  code: string;
}

/** The examples of the functions that a subpath exports, and the names of those that have none. */
async function examplesOf(subpath: string, file: string): Promise<{ examples: Example[]; missing: string[] }> {
  const exported = Object.entries((await import(join(root, file))) as Record<string, unknown>);
  const [area = ''] = file.replace('./dist/', '').split('/');
  const missing: string[] = [];
  const examples = exported
    .filter(([, value]) => typeof value === 'function' && !(value.prototype instanceof Error))
    .flatMap(([name]) => {
      const named = documented.filter((each) => each.name === name && each.examples.length > 0);
      const found = named.find(({ path }) => path.startsWith(`${area}/`)) ?? named[0];
      if (found === undefined) missing.push(`${subpath}: ${name}`);
      return found?.examples.map((code) => ({ subpath, name, code })) ?? [];
    });
  return { examples, missing };
}

/** The examples of a page of docs/, which are whole modules. */
const pageExamples = (page: string): Example[] =>
  [...readFileSync(page, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => ({
    subpath: page,
    name: 'example',
    code,
  }));

const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-examples-'));
const examples: Example[] = [];
const missing: string[] = [];

beforeAll(async () => {
  for (const [path, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue;
    const found = await examplesOf(path.replace('.', manifest.name), target.default);
    examples.push(...found.examples);
    missing.push(...found.missing);
  }
  examples.push(...pageExamples('docs/HTTP.md'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', manifest.name));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = ({ subpath, name }: Example, at: number): string => `${subpath.replaceAll('/', '.')}-${name}-${at}.ts`;

it('has an example for every public function', () => {
  expect(missing).toEqual([]);
  expect(examples.length).toBeGreaterThan(40);
});

it('compiles and runs every example', { timeout: 120_000 }, async () => {
  const files = examples.map(fileOf);
  examples.forEach((example, at) => void writeFileSync(join(folder, files[at] as string), moduleOf(example.code)));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'nodenext',
    target: 'esnext',
    erasableSyntaxOnly: true,
    types: [join(root, 'node_modules/@types/node')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', folder]).catch(({ stdout }) => expect.fail(stdout));
  writeFileSync(
    join(folder, 'all.mjs'),
    files
      .map((file) => `await import('./${file}').catch((error) => { throw new Error('${file}', { cause: error }); });`)
      .join('\n'),
  );
  await run(process.execPath, ['all.mjs'], { cwd: folder }).catch(({ stderr }) => expect.fail(stderr));
});
