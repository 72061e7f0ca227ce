// The tz database: zoneinfo has no time zones in Pyodide without the package tzdata, and Django needs UTC.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gather } from '../../python/builder/gather.js';
import { buildPython } from '../../python/builder/index.js';
import { installTzdata } from '../../python/builder/tzdata.js';
import { fromPython, type PythonAssets } from '../../python/index.js';
import { modulesOf } from '../../scripts/python-packages.ts';
import { callApp, testEnviron } from '../../testing/index.js';
import { CACHE, makeBare, notFetched } from './assets.ts';
import { cleanEnvironment, pathWith, startIndex } from './package-index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const missing = notFetched(['django'], 'a default project of Django');

/** Writes the project that `django-admin startproject mysite` makes. */
function startProject(folder: string): void {
  const values: Record<string, string> = {
    project_name: 'mysite',
    camel_case_project_name: 'Mysite',
    secret_key: 'not-a-secret',
    django_version: '5.2',
    docs_version: '5.2',
  };
  const template = join(modulesOf('django'), 'django/conf/project_template');
  for (const entry of readdirSync(template, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.py-tpl')) continue;
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8').replace(/\{\{ *(\w+) *\}\}/g, (_, name: string) => values[name] ?? '');
    const target = join(folder, relative(template, file).replace('project_name', 'mysite').replace(/-tpl$/, ''));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

describe.skipIf(missing)('a default project of Django', () => {
  it('has django.test and the tz database, and shows its login page', async ({ skip }) => {
    startProject(join(scratch, 'site'));
    writeFileSync(
      join(scratch, 'site/mysite/wsgi.py'),
      `${readFileSync(join(scratch, 'site/mysite/wsgi.py'), 'utf8')}\nimport django.test\n`,
    );
    const report = await buildPython({
      application: join(scratch, 'site/mysite/wsgi.py:application'),
      packages: [modulesOf('django')],
      out: join(scratch, 'assets'),
      cache: resolve(CACHE),
    }).catch((error: Error) => {
      if (process.env.CI || !/could not be installed/.test(error.message)) throw error;
      console.warn(`skipped, a default project of Django: ${error.message}`);
      return skip();
    });
    const environ = testEnviron({ PATH_INFO: '/admin/login/', HTTP_HOST: 'localhost' });
    const response = await callApp(fromPython(report.assets), environ);
    expect([response.status, response.text()]).toEqual(['200 OK', expect.stringContaining('Log in')]);
  });
});

describe('without an index that has tzdata', () => {
  let bare: PythonAssets;
  beforeAll(async () => {
    bare = await makeBare();
  });
  const gatherZoned = (more: { cache?: string }, exclude: string[]) => {
    const folders = { root: join(scratch, 'zoned'), out: scratch, cwd: scratch, packages: [], ...more };
    return gather({ ...folders, bare, progress: () => {} }, { exclude, include: [], languages: [] }, new Map());
  };
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(scratch, path)), { recursive: true });
    writeFileSync(join(scratch, path), text);
  };

  it('a build that needs it fails, unless tzdata is excluded', async () => {
    put('zoned/app.py', 'import zoneinfo');
    const index = await startIndex({});
    const env = cleanEnvironment(pathWith('nothing', scratch) ?? '');
    const cache = join(scratch, 'cache');
    const settings = { cwd: scratch, env, index: index.url, bare, cache, progress: () => {} };
    try {
      await expect(installTzdata('app/app.py', cache, settings)).rejects.toThrow(
        'app/app.py imports zoneinfo, which finds no time zone without the package tzdata: add tzdata to the packages, or build with --exclude packages/tzdata',
      );
      expect(readdirSync(cache)).toEqual([]);
    } finally {
      index.close();
    }
    const files = await gatherZoned({}, ['packages/tzdata']);
    expect(files.filter(({ path }) => path.startsWith('packages/tzdata'))).toEqual([]);
  });

  it('a build takes it from the cache', async () => {
    put('full/tzdata==2026.6/tzdata/__init__.py', '');
    const files = await gatherZoned({ cache: join(scratch, 'full') }, []);
    expect(files.map(({ path }) => path)).toContain('packages/tzdata/__init__.py');
  });
});
