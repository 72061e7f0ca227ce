// requirements.txt: the build obeys each line, or refuses it by name.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foreignPackages, missingDependencies } from '../../python/builder/dependencies.js';
import { installRequirements } from '../../python/builder/install.js';
import { evaluateMarker } from '../../python/builder/markers.js';
import { readRequirements } from '../../python/builder/requirements.js';
import type { PythonAssets } from '../../python/index.js';
import { PIP_WHEEL } from '../../scripts/python-packages.ts';
import { makeBare } from './assets.ts';
import { cleanEnvironment, makeWheel, type PackageIndex, pathWith, startIndex } from './package-index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function put(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(scratch, path)), { recursive: true });
    writeFileSync(join(scratch, path), text);
  }
}

const HASH = `sha256:${'a'.repeat(64)}`;

describe('the lines of requirements.txt', () => {
  const read = (text: string) => {
    put({ 'requirements.txt': text });
    return readRequirements(join(scratch, 'requirements.txt'), scratch);
  };

  it('are read as pip reads them', () => {
    put({ 'more/base.txt': '-r deeper.txt\nb', 'more/deeper.txt': 'c~=1.0', 'limits.txt': 'b<2' });
    process.env.TOKEN_OF_TEST = 'hunter2';
    const text = `\uFEFF# a comment
      -i https://user:\${TOKEN_OF_TEST}@example.org/simple # why
      --extra-index-url=https://other.example
      Flask[Async, dotenv] == 3.1.3 ; python_version > "3" # why
      x.y==1.0 \\
        --hash=${HASH} \\
        --hash=sha512:AB
      -r "more/base.txt"
      --constraint limits.txt
      --only-binary :all:
      pywin32>=300; sys_platform == "win32"
      d >=1, !=1.5,<2`;
    expect(read(text)).toEqual({
      index: 'https://user:hunter2@example.org/simple',
      extraIndexes: ['https://other.example'],
      hashed: true,
      pre: false,
      requirements: [
        { name: 'Flask', extras: ['async', 'dotenv'], specifier: '==3.1.3', hashes: [], at: 'requirements.txt:4' },
        { name: 'x.y', extras: [], specifier: '==1.0', hashes: [HASH, 'sha512:ab'], at: 'requirements.txt:5' },
        { name: 'c', extras: [], specifier: '~=1.0', hashes: [], at: 'more/deeper.txt:1' },
        { name: 'b', extras: [], specifier: '', hashes: [], at: 'more/base.txt:2' },
        { name: 'd', extras: [], specifier: '>=1,!=1.5,<2', hashes: [], at: 'requirements.txt:12' },
      ],
      constraints: [{ name: 'b', extras: [], specifier: '<2', hashes: [], at: 'limits.txt:1' }],
    });
  });

  it.each([
    ['-e .', 'the build installs packages only from an index'],
    ['./lib', 'the build installs packages only from an index'],
    ['lib.whl', 'the build installs packages only from an index'],
    ['lib @ https://example.org/lib.whl', 'the build installs packages only from an index'],
    ['git+https://example.org/lib', 'the build installs packages only from an index'],
    ['-r https://example.org/r.txt', 'only files of this machine can be included'],
    ['--no-binary :all:', 'the build does not know the option --no-binary'],
    ['--trusted-host example.org', 'the build does not know the option --trusted-host'],
    ['lib==1 --config-settings=a=b', 'the build does not know the option --config-settings=a=b'],
    ['lib=1', 'it is not like "name==version"'],
    ['lib; python_version >', 'is not an environment marker (PEP 508)'],
    ['lib; nonsense == "1"', 'is not an environment marker (PEP 508)'],
    ['-i https://a:b@one.example\n-i https://two.example', 'already name the index https://one.example'],
    ['-r requirements.txt', 'requirements.txt includes itself'],
    ['-r missing.txt', 'there is no file missing.txt'],
  ])('%j is refused by name', (line, reason) => {
    expect(() => read(`good==1\n${line}`)).toThrow(reason);
    if (!line.startsWith('-r')) expect(() => read(`good==1\n${line}`)).toThrow(/requirements\.txt:[23]/);
  });

  it.each([
    ['python_version >= "3.10" and sys_platform != "win32"', true],
    ["python_full_version<'3.14'", false],
    ['platform_system == "Windows" or (os_name == "posix" and "CPy" in platform_python_implementation)', true],
    ['python_version ~= "3.9" and python_version != "3.13.*"', true],
    ['"linux" not in sys_platform', true],
    ['extra == "async"', false],
  ])('marker %s is %s for Pyodide', (marker, expected) => {
    expect(evaluateMarker(marker)).toBe(expected);
  });
});

it('dependencies that are not among the packages are named', () => {
  const metadata = (name: string, needs: string) => ({
    path: `packages/${name}-1.dist-info/METADATA`,
    bytes: Buffer.from(`Name: ${name}\n${needs}\n\nRequires-Dist: text`),
  });
  const needs = 'Requires-Dist: legacy-cgi>=2.6; python_version >= "3.13"\nRequires-Dist: other (>=1) ; extra == "x"';
  expect(missingDependencies([metadata('WebOb', needs)])).toEqual(['WebOb needs legacy-cgi']);
  expect(missingDependencies([metadata('WebOb', needs), metadata('legacy_cgi', '')])).toEqual([]);
});

it.each([
  ['>=3.10', true],
  ['>=3.8.0rc1, <4', true],
  ['~=3.6', true],
  ['>=2.7, !=3.0.*, !=3.1.*', true],
  ['>=3.6.*', true],
  ['<3.14', false],
  ['>=3.9,<3.14', false],
  ['!=3.14.*', false],
  ['==3.13.*', false],
  ['>=3.15', false],
  ['by request', true],
])('a package for Python %s is taken: %s', (python, taken) => {
  const metadata = Buffer.from(`Name: spam\nVersion: 1.0\nRequires-Python: ${python}\n\nRequires-Python: <3`);
  const found = foreignPackages([{ path: 'packages/spam-1.0.dist-info/METADATA', bytes: metadata }]);
  expect(found).toEqual(taken ? [] : [`spam 1.0 is for Python ${python}`]);
});

const WHEEL = 'internal_lib-1.0-py3-none-any.whl';

let bare: PythonAssets;
beforeAll(async () => {
  bare = await makeBare();
});

// Without uv and pip the build runs a pip of its own, which needs JSPI. "nothing" is a machine that has none
// of the three, as Node 22 has no JSPI.
describe.each(['pip', 'uv', 'its own pip', 'nothing'] as const)('with %s, the build', (tool) => {
  const path = pathWith(tool === 'its own pip' ? 'nothing' : tool, scratch);
  const skipped = path === undefined || (tool === 'its own pip' && !existsSync(PIP_WHEEL));
  if (skipped) {
    // Debian's archive, from which the packages come if pip's index can't be reached, has neither uv nor this pip.
    if (process.env.CI && tool === 'pip')
      throw new Error('pip is not installed, and its tests can not be skipped in CI');
    console.warn(`skipped, requirements with ${tool}: it is not installed`);
  }
  let [good, evil] = [] as unknown as [PackageIndex, PackageIndex];
  const lib = (who: string) => makeWheel('internal-lib', '1.0', { 'internal_lib.py': `WHO = "${who}"` });
  beforeAll(async () => {
    const native = makeWheel('sped-up', '1.0', { 'sped_up.py': 'plain', '_sped_up.so': 'native' });
    const user = makeWheel('user', '2.0', { 'user.py': '' }, 'Requires-Dist: internal-lib>=1\n');
    good = await startIndex({
      ...(tool === 'its own pip' && { [basename(PIP_WHEEL)]: readFileSync(PIP_WHEEL) }),
      [WHEEL]: lib('the private one'),
      'user-2.0-py3-none-any.whl': user,
      'sped_up-1.0-cp314-cp314-manylinux_2_17_x86_64.whl': native,
      'newer-1.0-py3-none-any.whl': makeWheel('newer', '1.0', { 'newer.py': 'new' }, 'Requires-Python: >=3.14\n'),
      'two_kinds-1.0-py3-none-any.whl': makeWheel('two-kinds', '1.0', { 'two_kinds.py': 'slow' }),
      'two_kinds-1.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl': makeWheel('two-kinds', '1.0', {
        'two_kinds.py': 'fast',
      }),
      'source-1.0.tar.gz': Buffer.from('not even a tar'),
    });
    evil = await startIndex({ [WHEEL]: lib('the attacker') });
  });
  const { Suspending } = WebAssembly as { Suspending?: unknown };
  if (tool === 'nothing') {
    beforeAll(() => void Reflect.deleteProperty(WebAssembly, 'Suspending'));
    afterAll(() => void Object.defineProperty(WebAssembly, 'Suspending', { value: Suspending, configurable: true }));
  }
  afterAll(() => {
    good.close();
    evil.close();
  });

  let folders = 0;
  const install = async (text: string, options: { index?: string } = {}) => {
    put({ 'requirements.txt': text });
    const folder = join(scratch, `${tool} ${++folders}`);
    // The attacker's index is the one of the environment.
    const env = { ...cleanEnvironment(path ?? ''), PIP_INDEX_URL: evil.url };
    const cache = join(scratch, `cache of ${tool}`);
    const settings = { cwd: scratch, bare, cache, env, progress: () => {}, ...options };
    await installRequirements(join(scratch, 'requirements.txt'), folder, settings);
    return (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined);
  };
  const digest = (algorithm: string) =>
    `${algorithm}:${createHash(algorithm).update(lib('the private one')).digest('hex')}`;

  it.skipIf(skipped)('asks only the index that the file names', async () => {
    evil.asked.length = 0;
    const read = await install(`--index-url ${good.url}\ninternal-lib==1.0\n`);
    expect([read('internal_lib.py'), evil.asked]).toEqual(['WHO = "the private one"', []]);
    await expect(install(`-i ${good.url}\ninternal-lib==1.0\n`, { index: evil.url })).rejects.toThrow(
      `--index-url is ${evil.url}, and requirements.txt names the index ${good.url}`,
    );
  });

  it.skipIf(skipped)('takes no file without the digest that the file has', async () => {
    const line = `-i ${good.url}\ninternal-lib==1.0`;
    const read = await install(`${line} --hash=sha512:${'0'.repeat(128)} --hash=${digest('sha512')}`);
    expect(read('internal_lib.py')).toContain('private');
    await expect(install(`${line} --hash=sha512:${'0'.repeat(128)}`)).rejects.toThrow(/sha512|hash/i);
    await expect(install(`--require-hashes\n${line}`)).rejects.toThrow(/hash/i);
    await expect(install(`${line}\nuser==2.0 --hash=${digest('sha256')}`)).rejects.toThrow(/hash/i);
  });

  it.skipIf(skipped)('runs no code of a source distribution', async () => {
    await expect(install(`-i ${good.url}\nsource==1.0`)).rejects.toThrow(/no wheel|wheels|No matching distribution/);
  });

  it.runIf(tool === 'nothing')('refuses to choose a version', async () => {
    await expect(install(`-i ${good.url}\nuser>=2`)).rejects.toThrow(
      'requirements.txt:2: "user>=2" is not like "name==version", and neither uv nor pip is there',
    );
    await expect(install(`--extra-index-url ${good.url}\nuser==2.0`)).rejects.toThrow('reads only one index');
    put({ 'limits.txt': 'user==1.0' });
    await expect(install('-c limits.txt\nuser==2.0')).rejects.toThrow(
      'requirements.txt:2: user==2.0 is not the user==1.0 of limits.txt:1',
    );
  });

  it.skipIf(skipped || tool === 'nothing')('resolves versions and dependencies', async () => {
    const read = await install(`-i ${good.url}\nuser>=1`);
    expect(read('internal_lib.py')).toContain('private');
    put({ 'limits.txt': 'user<2' });
    await expect(install(`-i ${good.url}\n-c limits.txt\nuser>=1`)).rejects.toThrow(
      /user[\s\S]*\nChange requirements\.txt, or install the packages yourself/,
    );
  });

  // pip compares it with the Python that pip itself runs in.
  it.skipIf(skipped)('takes a package for a newer Python than that of the machine', async () => {
    expect((await install(`-i ${good.url}\nnewer==1.0`))('newer.py')).toBe('new');
  });

  it.skipIf(skipped)('prefers a wheel for Pyodide, which uv does not know', async () => {
    const read = await install(`-i ${good.url}\ntwo-kinds==1.0`);
    expect(read('two_kinds.py')).toBe(tool === 'uv' ? 'slow' : 'fast');
  });

  it.skipIf(skipped)('takes a native wheel for its Python files', async () => {
    const read = await install(`-i ${good.url}\nsped-up==1.0`);
    expect(read('sped_up.py')).toBe('plain');
  });
});
