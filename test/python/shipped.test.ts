// The files that the build ships: code and data of the application, and nothing that should stay on the machine.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Choice, type Collected, collect, type Dropped } from '../../python/builder/collect.js';
import { noticeOf } from '../../python/builder/notice.js';
import { patternsOf } from '../../python/builder/patterns.js';
import { withProject } from '../../python/builder/project.js';
import { needsTzdata } from '../../python/builder/tzdata.js';
import { writeZip } from '../../python/builder/zip-writer.js';
import { readZip } from '../../python/interpreter/zip.js';

const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let root = '';
let count = 0;
beforeEach(() => {
  root = join(scratch, `tree${++count}`);
  mkdirSync(root);
});

function put(...paths: string[]): void {
  for (const path of paths) write(path, path);
}
function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const NOTHING: Choice = { exclude: [], include: [], languages: [] };

function shipped(
  prefix: 'app' | 'packages',
  choice: Partial<Choice> = {},
): { paths: string[]; dropped: Dropped; files: Collected[] } {
  const dropped: Dropped = new Map();
  const files = collect(root, prefix, [], { ...NOTHING, ...choice }, dropped);
  return { paths: files.map(({ path }) => path.slice(prefix.length + 1)), dropped, files };
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

describe('of the application', () => {
  it('databases, tools and scripts are left out, and named', () => {
    put('app.py', 'templates/a.html', 'static/a.js', 'static/a.js.map', 'data/cities.csv', 'test/test_app.py');
    put('db.sqlite3', 'dump.sql', 'worker.ts', 'node.mjs', 'wrangler.toml', 'package.json', 'requirements.txt');
    put('node_modules/x/index.js');
    put(
      '.env',
      '.git/config',
      'python_modules/lib.py',
      'app.log',
      'old_assets/wsgi-edge-build.json',
      'old_assets/site.zip',
    );
    const { paths, dropped } = shipped('app');
    expect(paths).toEqual(['app.py', 'data/cities.csv', 'static/a.js', 'templates/a.html', 'test/test_app.py']);
    expect(Object.fromEntries(dropped)).toEqual({
      'hidden files and folders': ['.env', '.git'],
      'logs and backups': ['app.log'],
      'databases and dumps': ['db.sqlite3', 'dump.sql'],
      'TypeScript, and scripts beside the application': ['node.mjs', 'worker.ts'],
      'folders of packages and tools': ['node_modules', 'python_modules'],
      'assets of a build': ['old_assets'],
      'settings of tools': ['package.json', 'requirements.txt', 'wrangler.toml'],
      'source maps': ['static/a.js.map'],
    });
  });

  it('files are excluded and included by patterns', () => {
    put(
      'app.py',
      'schema.sql',
      'dump.sql',
      'static/big/a.jpg',
      'static/b.jpg',
      '.well-known/security.txt',
      '.git/config',
    );
    const include = ['schema.sql', '.well-known/**', 'static/big/a.jpg'];
    const { paths, dropped } = shipped('app', { exclude: ['static'], include });
    expect(paths).toEqual(['.well-known/security.txt', 'app.py', 'schema.sql', 'static/big/a.jpg']);
    expect(dropped.get('excluded')).toEqual(['static']);
  });

  it.each([
    ['id_rsa', 'any', 'credentials or a key, by its name'],
    ['tls/server.key', 'any', 'credentials or a key, by its name'],
    ['credentials.json', '{}', 'credentials or a key, by its name'],
    ['service-account-prod.json', '{}', 'credentials or a key, by its name'],
    ['prod.env', 'A=1', 'credentials or a key, by its name'],
    ['server.pem', privateKey, 'a private key'],
    ['settings.py', `KEY = """${privateKey}"""`, 'a private key'],
    ['settings.json', JSON.stringify({ key: privateKey }), 'a private key'],
  ])('%s is refused unless it is named', (path, text, reason) => {
    write(path, text);
    expect(() => shipped('app')).toThrow(`must not be in the assets: ${path} (${reason})`);
    expect(() => shipped('app', { include: ['*', '*/*'] })).toThrow(reason);
    expect(shipped('app', { exclude: [path] }).paths).toEqual([]);
    expect(shipped('app', { include: [path] }).paths).toEqual([path]);
  });

  it('public keys and modules about credentials are shipped', () => {
    write('public.pem', publicKey);
    write('pem.py', 'BEGIN = "-----BEGIN RSA PRIVATE KEY-----"');
    put('credentials.py', 'migrations/env.py', 'templates/credentials.html');
    expect(shipped('app').paths).toHaveLength(5);
  });

  it('a link is followed only inside of the folder, and only to what is shipped', () => {
    put('app.py', '.env', 'real/a.txt', 'db.sqlite3');
    writeFileSync(join(scratch, 'secret.txt'), 'hunter2');
    mkdirSync(join(scratch, 'outside'), { recursive: true });
    for (const [target, path] of [
      ['../secret.txt', 'out.txt'],
      ['../outside', 'out'],
      ['/etc/passwd', 'passwd'],
      ['.', 'loop'],
      ['real', 'linked'],
      ['..', 'real/up'],
      ['.env', 'env.txt'],
      ['db.sqlite3', 'data.bin'],
      ['missing', 'nowhere'],
      ['real/a.txt', 'a.txt'],
    ] as const)
      symlinkSync(target, join(root, path));
    const { paths, dropped } = shipped('app', { include: ['passwd', 'out.txt'] });
    expect(paths).toEqual(['a.txt', 'app.py', 'linked/a.txt', 'real/a.txt']);
    expect(dropped.get('links that lead out of the folder')).toEqual(['out', 'out.txt', 'passwd']);
    expect(dropped.get('links to a folder above')).toEqual(['linked/up', 'loop', 'real/up']);
    expect(dropped.get('links to files that are left out')).toEqual(['data.bin', 'env.txt']);
  });
});

describe('of packages', () => {
  it('tests are left out, and django.test is shipped', () => {
    put('django/test/__init__.py', 'django/test/client.py', 'django/test/testcases.py');
    put('lib/test/__init__.py', 'lib/test/test_lib.py', 'lib/tests/helper.py', 'tests/__init__.py');
    const { paths, dropped } = shipped('packages');
    expect(paths).toEqual([
      'django/test/__init__.py',
      'django/test/client.py',
      'django/test/testcases.py',
      'tests/__init__.py',
    ]);
    expect(dropped.get('tests of packages')).toEqual(['packages/lib/test', 'packages/lib/tests']);
  });

  it('only patterns of packages count', () => {
    put('lib/static/a.css', 'lib/data/b.json', 'lib/data/c.sql', 'lib/tests/fixture.json');
    const exclude = ['static', 'packages/lib/data'];
    const include = ['packages/lib/data/c.sql', 'packages/lib/tests'];
    const { paths, dropped } = shipped('packages', { exclude, include });
    expect(paths).toEqual(['lib/data/c.sql', 'lib/static/a.css', 'lib/tests/fixture.json']);
    expect(dropped.get('excluded')).toEqual(['packages/lib/data']);
  });

  it('licences stay, and METADATA keeps everything but the description', () => {
    const head =
      'Metadata-Version: 2.4\nName: lib\nVersion: 1.0\nLicense-Expression: MIT\nRequires-Dist: other; extra == "x"';
    write('lib-1.0.dist-info/METADATA', `${head}\n\n# README\n\nlong`);
    write('old-1.0.egg-info/PKG-INFO', 'Name: old\nDescription: long\n        and longer\nLicense: BSD');
    put(
      'lib-1.0.dist-info/LICENSE.rst',
      'lib-1.0.dist-info/licenses/COPYING',
      'lib-1.0.dist-info/RECORD',
      'lib/NOTICE.c',
    );
    put('lib-1.0.dist-info/entry_points.txt', 'bin/lib');
    const { paths, files } = shipped('packages');
    expect(paths).toEqual([
      'lib-1.0.dist-info/LICENSE.rst',
      'lib-1.0.dist-info/METADATA',
      'lib-1.0.dist-info/entry_points.txt',
      'lib-1.0.dist-info/licenses/COPYING',
      'old-1.0.egg-info/PKG-INFO',
    ]);
    expect(Buffer.from(files[1]?.bytes ?? []).toString()).toBe(`${head}\n`);
    expect(Buffer.from(files[4]?.bytes ?? []).toString()).toBe('Name: old\nLicense: BSD\n');
  });

  it('the notice lists packages, their licences and the files that have them', () => {
    write('a-1.0.dist-info/METADATA', 'Name: a\nVersion: 1.0\nLicense-Expression: MIT OR Apache-2.0');
    put('a-1.0.dist-info/licenses/LICENSE');
    write('b-2.0.dist-info/METADATA', 'Name: b\nVersion: 2.0\nClassifier: License :: OSI Approved :: BSD License\n');
    write('c.egg-info/PKG-INFO', 'Name: c\nVersion: 3\n');
    expect(noticeOf(shipped('packages').files)).toContain(`
a 1.0, MIT OR Apache-2.0: packages/a-1.0.dist-info/licenses/LICENSE
b 2.0, BSD License
c 3, no licence is named
`);
  });

  it('translations into other languages are left out if languages are chosen', () => {
    const languages = ['de', 'en', 'pt_BR', 'fr'];
    put(...languages.map((language) => `lib/locale/${language}/LC_MESSAGES/django.mo`));
    expect(shipped('packages').paths).toHaveLength(4);
    expect(shipped('packages', { languages: ['pt-br', 'de'] }).paths).toEqual([
      'lib/locale/de/LC_MESSAGES/django.mo',
      'lib/locale/en/LC_MESSAGES/django.mo',
      'lib/locale/pt_BR/LC_MESSAGES/django.mo',
    ]);
  });
});

describe('patterns', () => {
  it.each([
    ['*.sql', ['a.sql', 'b/c.sql'], ['a.sqlx', 'a.sql2/b']],
    ['static', ['static', 'static/a', 'b/static/c'], ['statics/a']],
    ['/static', ['static/a'], ['b/static/a']],
    ['a/b?.txt', ['a/b1.txt'], ['a/b.txt', 'x/a/b1.txt']],
    ['a/**/z', ['a/z', 'a/b/c/z', 'a/b/z/deeper'], ['b/a/z']],
    ['**/a+b(c).txt', ['a+b(c).txt', 'x/a+b(c).txt'], ['aab(c).txt']],
  ])('%s', (pattern, matching, others) => {
    const { matches } = patternsOf([pattern]);
    expect([matching, others].map((paths) => paths.filter(matches))).toEqual([matching, []]);
  });

  it.each([
    ['*.[ch]', 'has [, and only *, ? and ** have a meaning: write a pattern for each name'],
    ['!keep.txt', 'has !, and only *, ? and ** have a meaning: leave files out with --exclude'],
  ])('%s is refused', (pattern, message) => {
    expect(() => patternsOf([pattern])).toThrow(message);
    expect(patternsOf(['a!b']).matches('a!b')).toBe(true);
  });
});

it('times of files are those of their last change, and not after SOURCE_DATE_EPOCH', () => {
  put('a.txt', 'b.txt');
  utimesSync(join(root, 'a.txt'), 1_700_000_001, 1_700_000_001);
  utimesSync(join(root, 'b.txt'), 1_800_000_001, 1_800_000_001);
  const times = () => shipped('app').files.map(({ mtime }) => mtime);
  expect(times()).toEqual([1_700_000_001, 1_800_000_001]);
  process.env.SOURCE_DATE_EPOCH = '1750000000';
  try {
    expect(times()).toEqual([1_700_000_001, 1_750_000_000]);
  } finally {
    delete process.env.SOURCE_DATE_EPOCH;
  }
});

it('times of files are in the zip, in UTC and to the second', () => {
  const data = Buffer.from('text');
  const zip = Buffer.from(writeZip([{ name: 'a.txt', data, mtime: Date.UTC(2023, 10, 14, 22, 13, 21) / 1000 }]));
  const fields = (at: number) => ({ time: zip.readUInt16LE(at), date: zip.readUInt16LE(at + 2) });
  const dos = { time: (22 << 11) | (13 << 5) | 10, date: (43 << 9) | (11 << 5) | 14 };
  const central = zip.indexOf('PK\x01\x02');
  expect([fields(10), fields(central + 12)]).toEqual([dos, dos]);
  const extra = Buffer.from([0x55, 0x54, 5, 0, 1, 0x01, 0xf1, 0x53, 0x65]);
  expect(zip.subarray(35, 44)).toEqual(extra);
  expect(zip.subarray(central + 51, central + 60)).toEqual(extra);
  expect(readZip(zip).map(({ read }) => Buffer.from(read()).toString())).toEqual(['text']);
});

describe('pyproject.toml', () => {
  const parsed = (table: unknown) => {
    write('pyproject.toml', '[tool.wsgi-edge]');
    return withProject({ exclude: ['b'] }, [join(root, 'missing'), root], () => ({ tool: { 'wsgi-edge': table } }));
  };

  it('adds to the options', () => {
    expect(parsed({ exclude: ['a'], languages: ['de'] })).toEqual({
      exclude: ['a', 'b'],
      include: [],
      languages: ['de'],
    });
    expect(parsed(undefined)).toEqual({ exclude: ['b'], include: [], languages: [] });
  });

  it('is refused with other keys and values', () => {
    expect(() => parsed({ excludes: ['a'] })).toThrow('has the key excludes, and may have exclude, include, languages');
    expect(() => parsed({ exclude: 'a' })).toThrow('exclude of [tool.wsgi-edge] must be a list of strings');
  });
});

it.each([
  ['from zoneinfo import ZoneInfo', true],
  ['try:\n    import zoneinfo', true],
  ['# import zoneinfo', false],
  ['import zoneinfo_like', false],
])('%j needs tzdata: %s', (source, needed) => {
  const module = { path: 'packages/lib/a.py', bytes: Buffer.from(source) };
  expect(needsTzdata([module])).toBe(needed ? module.path : undefined);
  expect(needsTzdata([module, { path: 'packages/tzdata/__init__.py', bytes: Buffer.from('') }])).toBeUndefined();
});
