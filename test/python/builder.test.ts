import { execFile } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuildOptions, type BuildReport, buildPython } from '../../python/builder/index.js';
import { trim } from '../../python/builder/trim.js';
import { fromPython } from '../../python/index.js';
import type { SnapshotManifest } from '../../python/interpreter/assets.js';
import { restoreSnapshot } from '../../python/interpreter/snapshot.js';
import { readZip } from '../../python/interpreter/zip.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { sleep } from '../conformance/case.js';
import { APPS, CACHE, loadAssets } from './assets.ts';
import { makeWheel, startIndex } from './package-index.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (files: Record<string, string>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
};

// The build looks for Pyodide from the current folder, so the other folders are absolute.
async function build(options: Omit<BuildOptions, 'cwd'>): Promise<BuildReport & { lines: string[] }> {
  const lines: string[] = [];
  const report = await buildPython({
    ...options,
    application: join(folder, options.application),
    out: join(folder, options.out ?? 'assets'),
    packages: (options.packages ?? []).map((packages) => join(folder, packages)),
    cache: resolve(CACHE),
    progress: (line) => lines.push(line),
  });
  return { ...report, lines };
}

const shipped = (report: BuildReport) => readZip(report.assets.site as Uint8Array).map(({ name }) => name);
const text = async (report: BuildReport, overrides = {}) =>
  (await callApp(fromPython(report.assets), testEnviron(overrides))).text();

const errorsInto = (log: string[]) => ({
  write: (text: string) => void log.push(text),
  writelines: (texts: Iterable<string>) => void log.push(...texts),
  flush: () => {},
});

const APP = `
def app(environ, start_response):
    import os
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr((loaded, os.environ.get("SETTING"))).encode()]
`;

describe('what is shipped', () => {
  it('is what can run and is needed', async () => {
    put({
      'site/pkg/__init__.py': '',
      'site/pkg/wsgi.py': `from lib import loaded\n${APP}`,
      'site/pkg/templates/a.html': 'a',
      'site/pkg/broken.py': 'def (:',
      'site/.env': 'SECRET=1',
      'site/notes.txt': '',
      'site/pyproject.toml': '[project]\nname = "site"\n[tool.wsgi-edge]\nexclude = ["notes.txt", "pyproject.toml"]\n',
      'site/.git/config': '',
      'site/node_modules/x/index.js': '',
      'site/venv/pyvenv.cfg': '',
      'site/venv/lib/x.py': '',
      'site/pkg/__pycache__/wsgi.cpython-311.pyc': '',
      'modules/lib/__init__.py': 'loaded = "lib"',
      'modules/lib/_speedups.cpython-311-x86_64-linux-gnu.so': '',
      'modules/lib/tests/test_lib.py': '',
      'modules/lib/locale/de/LC_MESSAGES/django.po': '',
      'modules/lib/locale/de/LC_MESSAGES/django.mo': '',
      'modules/lib-1.0.dist-info/METADATA': 'Name: lib',
      'modules/lib-1.0.dist-info/RECORD': '',
    });
    const report = await build({ application: 'site/pkg/wsgi.py:app', packages: ['modules'] });
    expect(report.application).toBe('pkg.wsgi:app');
    const ofGateway = (name: string) => name.startsWith('packages/wsgi_edge/');
    const names = shipped(report).sort();
    const modules = globSync('**/*.py', { cwd: 'python/wsgi_edge' });
    const ofBuild = 'packages/wsgi_edge/dropped.txt';
    expect(names.filter(ofGateway)).toEqual([ofBuild, ...modules.map((name) => `packages/wsgi_edge/${name}c`)].sort());
    expect(names.filter((name) => !ofGateway(name))).toEqual([
      'app/pkg/__init__.py',
      'app/pkg/__pycache__/__init__.cpython-314.pyc',
      'app/pkg/__pycache__/wsgi.cpython-314.pyc',
      'app/pkg/broken.py',
      'app/pkg/templates/a.html',
      'app/pkg/wsgi.py',
      'packages/lib-1.0.dist-info/METADATA',
      'packages/lib/__init__.pyc',
      'packages/lib/locale/de/LC_MESSAGES/django.mo',
    ]);
    expect(report.uncompiled.map(({ path }) => path)).toEqual(['app/pkg/broken.py']);
    expect(report.dropped).toMatchObject({
      'virtual environments': ['venv'],
      'tests of packages': ['packages/lib/tests'],
      'hidden files and folders': ['.env', '.git'],
    });
    expect(await text(report)).toBe("('lib', None)");
  });
});

describe('a native library that the build has dropped', () => {
  const so = 'cpython-314-x86_64-linux-gnu.so';
  const app = (imported: string) => `
import importlib.util
try:
    ${imported}
except ImportError as error:
    loaded = type(error).__name__, str(error)
loaded += importlib.util.find_spec("fast"),
${APP}`;
  const left = (module: string, file: string) =>
    `('ModuleNotFoundError', '${module} is native code, which can not run here: wsgi-edge build-python left out packages/${file}', None)`;

  it.each([
    ['from lib import _speedups', left('lib._speedups', `lib/_speedups.${so}`)],
    ['import lib.deep._abi', left('lib.deep._abi', 'lib/deep/_abi.abi3.so')],
    ['import fast', left('fast', 'fast.so')],
    ['import lib.absent', `('ModuleNotFoundError', "No module named 'lib.absent'", None)`],
  ])('is named by the ImportError: %s', async (imported, expected) => {
    put({
      'native/app.py': app(imported),
      'native modules/fast.so': '',
      'native modules/lib/__init__.py': '',
      [`native modules/lib/_speedups.${so}`]: '',
      'native modules/lib/deep/__init__.py': '',
      'native modules/lib/deep/_abi.abi3.so': '',
      'native modules/lib.libs/libpq-9b38f5e3.so.5.17': '',
    });
    const report = await build({ application: 'native/app.py:app', packages: ['native modules'] });
    expect(report.dropped['native libraries (.so …), which can not run']).toHaveLength(4);
    expect(await text(report)).toBe(`(${expected}, None)`);
  });
});

it('an extension module that can not be linked is an error', async () => {
  // (module (import "GOT.mem" "absent" (global (mut i32)))), with the section dylink.0
  const dylink = [0, 15, 8, ...Buffer.from('dylink.0'), 1, 4, 0, 0, 0, 0];
  const imports = [2, 19, 1, 7, ...Buffer.from('GOT.mem'), 6, ...Buffer.from('absent'), 3, 0x7f, 1];
  const name = 'unlinked modules/lib.cpython-314-wasm32-emscripten.so';
  put({ 'unlinked/app.py': `loaded = 1\n${APP}`, [name]: '' });
  writeFileSync(join(folder, name), Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...dylink, ...imports]));
  await expect(build({ application: 'unlinked/app.py', packages: ['unlinked modules'] })).rejects.toThrow(
    "python: an extension module can not be linked: Dynamic linking error: undefined symbol 'absent'",
  );
});

describe('Pyodide', () => {
  const pyodide = (name: string) => new Uint8Array(readFileSync(join('node_modules/pyodide', name)));

  it('is shipped without what extension modules are linked with', async () => {
    const wasm = pyodide('pyodide.asm.wasm');
    const script = Buffer.from(pyodide('pyodide.asm.mjs')).toString();
    const trimmed = trim(script, wasm, ['_Py_Version'], []);
    // pnpm puts it where bundlers do not find it.
    expect(trimmed.script).not.toMatch(/["']ws["']/);
    const exported = async (bytes: Uint8Array<ArrayBuffer>) =>
      WebAssembly.Module.exports(await WebAssembly.compile(bytes)).map(({ name }) => name);
    const [before, after] = [await exported(wasm), await exported(trimmed.wasm)];
    expect(after.length).toBeLessThan(before.length / 20);
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
    expect(after).toContain('Py_Version');
    expect(after).not.toContain('PyFrame_New');
    expect(trimmed.script.length).toBeLessThan(script.length * 0.7);
  });

  it('is refused where it is not as it is known', () => {
    const wasm = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    expect(() => trim('', wasm, [], [])).toThrow(
      'pyodide.asm.mjs is not that of Pyodide 314.0.7: remove node_modules/pyodide',
    );
    const script = Buffer.from(pyodide('pyodide.asm.mjs')).toString();
    expect(() => trim(script, wasm, [], [])).toThrow('pyodide.asm.wasm exports nothing: remove node_modules/pyodide');
  });
});

it('an application of several modules has its sources: tracebacks quote them', async () => {
  put({
    'sourced/app.py': 'from failing import app',
    'sourced/failing.py': 'def app(*_):\n    raise ValueError("in " "two")',
  });
  const log: string[] = [];
  const report = await build({ application: 'sourced/app.py:app', out: 'sourced assets' });
  await callApp(fromPython(report.assets), testEnviron({ 'wsgi.errors': errorsInto(log) }));
  expect(log.join('')).toMatch(/File "\/app\/failing.py", line 2, in app\n *raise ValueError\("in " "two"\)\n/);
});

it('an application finds no running event loop while it is imported', async () => {
  put({ 'looping/app.py': `import asyncio\nloaded = asyncio._get_running_loop()\n${APP}` });
  expect(await text(await build({ application: 'looping/app.py' }))).toBe('(None, None)');
});

// Like Django's SimpleLazyObject: its class depends on a setting that does not exist when the snapshot is taken.
const LAZY = `class Lazy:
    @property
    def __class__(self):
        return type(os.environ["SECRET_KEY"])
lazy = Lazy()`;

describe('the snapshot', () => {
  beforeAll(() => {
    put({
      'frozen/app.py': `import os, random, framework\nloaded = framework.count, os.environ.get("SETTING")\nrng = random.Random(1)\n${LAZY}\n${APP}`,
      'frameworks/framework.py': 'import builtins\nbuiltins.count = count = getattr(builtins, "count", 0) + 1',
    });
  });
  const frozen = (options: Partial<BuildOptions>) =>
    build({ application: 'frozen/app.py', packages: ['frameworks'], ...options });

  it('holds the application', async () => {
    const report = await frozen({ env: { SETTING: 'of the build' } });
    expect(report.assets.manifest.snapshot).toMatchObject({ level: 'app', loaded: ['app:app'] });
    expect(report.lines.join('\n')).toMatch(/environment variables: SETTING[\s\S]*app\.rng, a random\.Random/);
    const app = fromPython(report.assets, { env: { SETTING: 'of the run' } });
    expect((await callApp(app)).text()).toBe("((1, 'of the build'), 'of the run')");
  });

  it('holds only the packages', async () => {
    const report = await frozen({ snapshot: 'framework' });
    expect(report.assets.manifest.snapshot).toMatchObject({ level: 'framework', loaded: [] });
    const app = fromPython(report.assets, { env: { SETTING: 'of the run' } });
    expect((await callApp(app)).text()).toBe("((1, 'of the run'), 'of the run')");
  });

  it('holds the packages that can be imported before the application', async () => {
    put({
      'exiting/app.py': `import os\nos.environ["READY"] = "1"\nfrom script import loaded\n${APP}`,
      'scripts/script.py': 'import os\nif "READY" not in os.environ: raise SystemExit(2)\nloaded = "script"',
    });
    const report = await build({ application: 'exiting/app.py', packages: ['scripts'], snapshot: 'framework' });
    expect(await text(report)).toBe("('script', None)");
  });

  it('is left out', async () => {
    const report = await frozen({ snapshot: 'none' });
    expect(report.assets.snapshot).toBeUndefined();
    expect(readdirSync(report.out)).not.toContain('snapshot.bin');
    const app = fromPython(report.assets, { env: { SETTING: 'of the run' } });
    expect((await callApp(app)).text()).toBe("((1, 'of the run'), 'of the run')");
    expect((await callApp(fromPython(await loadAssets(report.out)))).text()).toBe('((1, None), None)');
  });

  it('is not taken of an application that can not be imported', async () => {
    put({ 'failing/app.py': 'import missing_module' });
    await expect(build({ application: 'failing/app.py:app' })).rejects.toThrow(
      /app:app can not be imported:\nTraceback .*\n {2}File "\/app\/app.py", line 1, in <module>\n.*\nModuleNotFoundError: No module named 'missing_module'$/,
    );
  });

  it('can be restored although an import has added to the function table, as that of ctypes does', async () => {
    put({ 'callbacks/app.py': `import ctypes\nloaded = ctypes.sizeof(ctypes.c_long)\n${APP}` });
    const report = await build({ application: 'callbacks/app.py:app' });
    expect(report.assets.manifest.snapshot?.added).toBeGreaterThan(0);
    expect(await text(report)).toBe('(4, None)');
  });

  it('is not taken if the import makes a callback of ctypes, which works without a snapshot', async () => {
    put({
      'calling/app.py': `import ctypes\nback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 17)\nloaded = 1\n${APP.replace('loaded,', 'back(),')}`,
    });
    const application = 'calling/app.py:app';
    await expect(build({ application })).rejects.toThrow(
      'build-python: the import makes a callback of ctypes, which can not be frozen',
    );
    expect(await text(await build({ application, snapshot: 'none' }))).toBe('(17, None)');
  });

  it('holds no path of the build machine', async () => {
    const { assets } = await frozen({});
    const files = readZip(assets.site as Uint8Array).map(({ read }) => read());
    const { snapshot } = assets.manifest as { snapshot: SnapshotManifest };
    const memory = Buffer.alloc(snapshot.size);
    restoreSnapshot(memory, snapshot, assets.snapshot as Uint8Array, assets.unpack);
    const bytes = Buffer.concat([memory, ...files]);
    expect(bytes.includes('/app/app.py')).toBe(true);
    const paths = [process.cwd(), folder, process.argv[1] ?? '', process.execPath, homedir()];
    expect(paths.filter((path) => bytes.includes(path))).toEqual([]);
  });

  it('holds no secret unless that is allowed', async () => {
    const env = { API_KEY: 'x' };
    await expect(frozen({ env })).rejects.toThrow('API_KEY looks like a secret');
    expect((await frozen({ env, allowSecrets: ['API_KEY'] })).assets.manifest.env).toEqual(env);
  });
});

describe('several requests at a time', () => {
  it('do not see each other', async () => {
    const { assets } = await buildPython({
      application: join(APPS, 'supervised.py:contextual'),
      out: join(folder, 'concurrent'),
      cache: CACHE,
      concurrent: true,
    });
    const app = fromPython(assets, { concurrency: 3 });
    let most = 0;
    let now = 0;
    const pause = async (ms: number) => {
      most = Math.max(most, ++now);
      await sleep(ms);
      now--;
    };
    const names = ['a', 'b', 'c', 'd', 'e'];
    const responses = await Promise.all(
      names.map((name) => callApp(app, testEnviron({ QUERY_STRING: name, 'test.sleep': pause }))),
    );
    expect(responses.map((response) => response.text())).toEqual(
      names.map((name) => `nobody ${name} ${name}\n`.repeat(3)),
    );
    expect(most).toBe(3);
  });
});

it('a required package for another Python is refused by name; one in a folder is only named', async () => {
  const wheel = makeWheel('my-old', '1.0', { 'my_old.py': 'loaded = 1' }, 'Requires-Python: <3.14\n');
  const index = await startIndex({ 'my_old-1.0-py3-none-any.whl': wheel });
  put({ 'old/app.py': `from my_old import loaded\n${APP}`, 'old.txt': 'my-old==1.0' });
  put({
    'by-hand/my_old.py': 'loaded = 1',
    'by-hand/my_old-1.0.dist-info/METADATA': 'Name: my-old\nVersion: 1.0\nRequires-Python: <3.14\n',
  });
  try {
    const options = { requirements: join(folder, 'old.txt'), indexUrl: index.url };
    // uv refuses it itself.
    await expect(build({ application: 'old/app.py', ...options })).rejects.toThrow(
      /my-old 1\.0 is for Python <3\.14, and Pyodide has 3\.14: require another version|my-old==1\.0/,
    );
  } finally {
    index.close();
  }
  const { lines } = await build({ application: 'old/app.py', packages: ['by-hand'] });
  expect(lines).toContain('my-old 1.0 is for Python <3.14, and will run on 3.14');
});

it('an application has the packages of its requirements', async () => {
  const wheel = makeWheel('my-lib', '1.0', { 'my_lib.py': 'loaded = "installed"' });
  const index = await startIndex({ 'my_lib-1.0-py3-none-any.whl': wheel });
  put({ 'required/app.py': `from my_lib import loaded\n${APP}`, 'requirements.txt': 'My_Lib==1.0' });
  try {
    const options = { requirements: join(folder, 'requirements.txt'), indexUrl: index.url };
    expect(await text(await build({ application: 'required/app.py', ...options }))).toBe("('installed', None)");
  } finally {
    index.close();
  }
});

const OPTIONS =
  'packages requirements index-url exclude include languages out snapshot no-snapshot target env allow-secrets concurrent optimize';

describe('wsgi-edge build-python', () => {
  const command = (...args: string[]) => run(process.execPath, ['dist/command/index.js', 'build-python', ...args]);

  it('builds, and says what it has built', async () => {
    const out = join(folder, 'by command');
    const { stdout } = await command(join(APPS, 'basic.py:hello'), '--out', out, '--env', 'SETTING=1');
    expect(stdout).toMatch(/froze the application as of .*[\s\S]*SETTING[\s\S]*in all; Workers take 64 MiB/);
    expect(readdirSync(out).sort()).toMatchInlineSnapshot(`
      [
        "NOTICE",
        "assets.d.mts",
        "assets.mjs",
        "jsverror.wasm",
        "manifest.mjs",
        "node.d.mts",
        "node.mjs",
        "probe.wasm",
        "pyodide.asm.mjs",
        "pyodide.asm.wasm",
        "site.zip",
        "snapshot.bin",
        "stdlib.zip",
        "stub.wasm",
        "trampoline.wasm",
        "unpack.wasm",
        "wrangler-rules.toml",
        "wrapper.wasm",
        "wsgi-edge-build.json",
      ]
    `);
    expect(readFileSync(join(out, 'NOTICE'), 'utf8')).toMatch(
      /keeps its stack of C and its frames[\s\S]*take more\nof C's stack[\s\S]*Mozilla Public License[\s\S]*pyodide\/tree\/314\.0\.7[\s\S]*PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2/,
    );
    expect(readFileSync(join(out, 'pyodide.asm.mjs'), 'utf8')).toMatch(/^\/\*! .*MPL-2\.0, changed by wsgi-edge/);
    const app = fromPython(await loadAssets(out));
    expect((await callApp(app, testEnviron({ PATH_INFO: '/x' }))).text()).toBe('Hello, /x');
  });

  it('chooses files by its options', async () => {
    put({
      'chosen/app.py': APP.replace('loaded', '1'),
      'chosen/schema.sql': '',
      'chosen/big.csv': '',
      'modules2/lib/locale/de/LC_MESSAGES/a.mo': '',
      'modules2/lib/locale/fr/LC_MESSAGES/a.mo': '',
    });
    const out = join(folder, 'chosen assets');
    const { stdout } = await command(
      ...[join(folder, 'chosen/app.py'), '--out', out, '--packages', join(folder, 'modules2'), '--snapshot', 'app'],
      ...['--exclude', '*.csv', '--include', 'schema.sql', '--languages', 'de,pt_BR'],
    );
    expect(stdout).toMatch(/left out 1: excluded: big\.csv\n/);
    expect(stdout).toMatch(/left out 1: translations into other languages \(\.mo\)\n/);
    const names = readZip(readFileSync(join(out, 'site.zip'))).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['app/schema.sql', 'packages/lib/locale/de/LC_MESSAGES/a.mo', 'app/app.py']),
    );
  });

  it('lists its options', async () => {
    const { stdout } = await command('--help');
    for (const option of OPTIONS.split(' ')) expect(stdout).toMatch(new RegExp(`^--${option} `, 'm'));
  });

  it.each([
    [['nothing.py:app'], 'there is no file nothing.py'],
    [['a b'], '"a b" is not like "app.py:app"'],
    [[join(APPS, 'basic.py'), '--packages', '/nowhere'], 'there is no folder of packages /nowhere'],
    [[join(APPS, 'basic.py'), '--snapshot', 'all'], '--snapshot is app or framework, not all'],
    [[join(APPS, 'basic.py'), '--target', 'lambda'], '--target is worker or node, not lambda'],
    [[join(APPS, 'basic.py'), '--env', 'A'], '--env takes NAME=VALUE'],
    [[join(APPS, 'basic.py'), '--unknown'], "Unknown option '--unknown'"],
    [[], 'usage: wsgi-edge build-python APPLICATION'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await command(...args).then(
      (ended) => ({ code: 0, ...ended }),
      (error: { code: number; stderr: string }) => error,
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});
