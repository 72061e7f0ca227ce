// A Python application in `wsgi-edge serve` and `request`: its packages, its environment variables, its errors.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../free-port.ts';

const root = process.cwd();
const APP = `import greet

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [greet.text.encode()]
`;

let folder: string;
const put = (name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-packages-'));
  const cache = join(folder, 'node_modules/.cache/wsgi-edge');
  mkdirSync(cache, { recursive: true });
  const built = join(root, 'node_modules/.cache/wsgi-edge');
  for (const name of readdirSync(built).filter((each) => each.startsWith('aws-lambda-ric')))
    symlinkSync(join(built, name), join(cache, name));
  for (const name of ['pyodide', 'wsgi-edge'])
    symlinkSync(name === 'pyodide' ? join(root, 'node_modules/pyodide') : root, join(folder, 'node_modules', name));
  put('app.py', APP);
  put('.venv/lib/python3.14/site-packages/greet.py', "text = 'from the virtual environment'\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = (...args: string[]) => requestIn({}, ...args);
const requestIn = (env: Record<string, string>, ...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const command = [join(root, 'dist/command/index.js'), 'request', ...args];
    execFile(process.execPath, command, { cwd: folder, env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });

it.each(['node', 'cloudflare', 'lambda'])(
  'come from the virtual environment on %s',
  { timeout: 180_000 },
  async (target) => {
    const { out, err } = await request('app.py', '/', '--target', target, '--validate');
    // Lines about the progress are on standard error.
    expect(out, err).toMatch(/^HTTP\/1\.1 200 OK\n[\s\S]*\n\nfrom the virtual environment$/);
  },
);

it.each(['node', 'cloudflare'])(
  "come from the script's own list before it, on %s",
  { timeout: 180_000 },
  async (target) => {
    put('script.py', `# /// script\n# dependencies = []\n# ///\n${APP}`);
    const { code, out, err } = await request('script.py', '/', '--target', target);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/ModuleNotFoundError: No module named 'greet'/);
    // A mistake in the application has Python's traceback, and no stack of JavaScript.
    expect(err).not.toMatch(/^ +at /m);
  },
);

it.each(['node', 'cloudflare'])(
  'come from python_modules before all others, on %s',
  { timeout: 180_000 },
  async (target) => {
    put('python_modules/greet.py', "text = 'from python_modules'\n");
    expect((await request('app.py', '/', '--target', target)).out).toMatch(/\n\nfrom python_modules$/);
    rmSync(join(folder, 'python_modules'), { recursive: true });
  },
);

it('a script may name extras', { timeout: 180_000 }, async () => {
  put('extras.py', `# /// script\n# dependencies = ["greet[loud] @ https://example.org/greet.whl"]\n# ///\n${APP}`);
  const { code, err } = await request('extras.py', '/');
  expect([code, err]).toEqual([1, expect.stringContaining('greet[loud] @ https://example.org/greet.whl: the build')]);
});

it('an application that finds no list of packages is told how to write one', { timeout: 180_000 }, async () => {
  put('alone/app.py', 'from flask import Flask\n');
  const env = { VIRTUAL_ENV: join(folder, 'none') };
  const { code, err } = await requestIn(env, 'alone/app.py', '/', '--target', 'cloudflare');
  expect([code, err]).toEqual([1, expect.stringContaining("No module named 'flask'\nThere is no list of packages: ")]);
  expect(err).toContain('# dependencies = ["flask"]\n');
});

it('an application has the environment variables of the command from its import on, and the cache has not', {
  timeout: 180_000,
}, async () => {
  put(
    'setting.py',
    `import os\nSETTING = os.environ["SETTING"]\n${APP.replace('greet.text', 'SETTING').replace('import greet', '')}`,
  );
  // The first request also builds the packages.
  for (const [SETTING, target] of [
    ['first "ä😀', 'node'],
    ['second', 'node'],
    ['third', 'lambda'],
  ] as const)
    expect((await requestIn({ SETTING }, 'setting.py', '/', '--target', target)).out).toMatch(
      new RegExp(`\\n\\n${SETTING}$`),
    );
  const cache = join(folder, 'node_modules/.cache/wsgi-edge');
  for (const file of readdirSync(cache, { recursive: true, withFileTypes: true }))
    if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes('first "ä')).toBe(false);
  put(
    'home.py',
    `import os\n${APP.replace('greet.text', 'str(os.path.isdir(os.path.expanduser("~")))').replace('import greet', '')}`,
  );
  expect((await requestIn({ HOME: folder }, 'home.py', '/')).out).toMatch(/\n\nTrue$/);
  const { code, err } = await request('setting.py', '/');
  expect(code).toBe(1);
  expect(err).toMatch(
    /^wsgi-edge: setting.py can't be imported:\nTraceback.*\n {2}File "\/app\/setting.py", line 2[\s\S]*KeyError: 'SETTING'$/m,
  );
  expect(err).not.toMatch(/importlib/);
});

it('--debug shows an error of Python with the lines of the application', { timeout: 180_000 }, async () => {
  put(
    'failing.py',
    'import importlib\n\ndef app(environ, start_response):\n    importlib.import_module("no_such_module")\n',
  );
  const port = String(await freePort());
  const args = [join(root, 'dist/command/index.js'), 'serve', 'failing.py', '--debug', '--port', port];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  try {
    await Promise.race([once(child.stdout, 'data'), exit.then(() => expect.fail('it does not serve'))]);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const page = await response.text();
    expect(response.status).toBe(500);
    expect(page).toContain('<h1>ModuleNotFoundError: No module named &#39;no_such_module&#39;</h1>');
    expect(page).toMatch(/<mark> +4 {2} {4}importlib\.import_module/);
    const [stack] = page.split('<h2>The whole text');
    expect(stack).not.toMatch(/&#60;frozen|python314\.zip|wsgi_edge\/bridge/);
  } finally {
    child.kill('SIGTERM');
    await exit;
  }
});
