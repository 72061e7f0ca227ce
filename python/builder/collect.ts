import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { WsgiError } from '../../src/errors.js';
import { keyIn } from './keys.js';
import { BINARY, isExtension } from './native.js';
import { holdsAssets } from './out-folder.js';
import { type Patterns, patternsOf } from './patterns.js';
import { NATIVE } from './table.js';

/** A file to ship: its path in the site zip, with /, and its bytes. */
export interface Collected {
  path: string;
  bytes: Uint8Array;
  /** The time of its last change, in seconds since 1970. */
  mtime?: number;
}

/** The paths of the files and folders that were left out, by reason. */
export type Dropped = Map<string, string[]>;

/** An application: the folder that its imports start from, and "module:name". */
export interface Entry {
  root: string;
  application: string;
}

/** Reads "app.py:app", "pkg/wsgi.py:application" or "pkg.wsgi:application" (from `cwd`).
 *  @throws {WsgiError} when the file does not exist */
export function parseEntry(spec: string, cwd: string): Entry {
  const [, where = '', name = ''] = /^(.+?)(?::([\w.]+))?$/.exec(spec) ?? [];
  const attribute = name || 'app';
  if (!where.endsWith('.py')) {
    if (!/^\w+(\.\w+)*$/.test(where))
      throw new WsgiError(`build-python: ${JSON.stringify(spec)} is not like "app.py:app"`);
    return { root: cwd, application: `${where}:${attribute}` };
  }
  const file = resolve(cwd, where);
  if (!existsSync(file)) throw new WsgiError(`build-python: there is no file ${where}`);
  // A module in a package is imported by its full name.
  let root = dirname(file);
  while (existsSync(join(root, '__init__.py'))) root = dirname(root);
  const module = relative(root, file).slice(0, -'.py'.length).split(sep).join('.');
  return { root, application: `${module}:${attribute}` };
}

/** The choice of files. Patterns start from the folder of the application. Only patterns that start with "packages/" apply to
 *  packages: "staticfiles" is a folder of many applications and a part of Django. */
export interface Choice {
  /** Patterns of files to leave out. */
  exclude: string[];
  /** Patterns of files to ship although they are excluded, by these patterns or by default. */
  include: string[];
  /** The languages whose translations are shipped, such as "de" and "pt_BR". Empty for all. */
  languages: string[];
  /** Collects source maps too: collectstatic with hashed names looks for the one of each script. */
  maps?: boolean;
}

/** The reason why source maps are left out. */
export const MAPS = 'source maps';

const NOT_CODE: Array<[reason: string, patterns: Patterns]> = [
  ['folders of packages and tools', patternsOf(['node_modules', '__pycache__', '/python_modules'])],
  ['databases and dumps', patternsOf(['*.sqlite*', '*.db', '*.db-*', '*.sql', '*.sql.gz', '*.dump'])],
  [
    'TypeScript, and scripts beside the application',
    patternsOf(['*.ts', '*.mts', '*.cts', '/*.js', '/*.mjs', '/*.cjs']),
  ],
  [
    'settings of tools',
    patternsOf([
      ...['wrangler.toml', 'wrangler.json', 'wrangler.jsonc', 'serverless.yml', '/package.json', '/package-lock.json'],
      ...['/tsconfig*.json', '/pnpm-lock.yaml', '/yarn.lock', 'Dockerfile*', 'docker-compose*', 'compose.y*ml'],
      // The URL of an index may have a password.
      ...['/requirements*.txt', 'pip.conf'],
    ]),
  ],
  ['logs and backups', patternsOf(['*.log', '*.bak', '*.orig', '*.swp', '*~'])],
];

const SOURCES = /\.(po|pot|pyi|pyx|pxd|c|h|cpp|hpp|ts)$/;
const LICENCE = /^(licen[cs]e|copying|copyright|notice|authors)/i;
const RECORDS = /^(METADATA|PKG-INFO|entry_points\.txt|top_level\.txt)$/;

/** Collects the files below a folder, except those that can't run, that nobody reads or that should not leave the machine.
 *  @param prefix  "app" or "packages"
 *  @param skip  absolute paths of folders to leave out
 *  @throws {WsgiError} on keys and credentials, unless `include` names them */
export function collect(
  root: string,
  prefix: 'app' | 'packages',
  skip: string[],
  choice: Choice,
  dropped: Dropped,
): Collected[] {
  const found: Collected[] = [];
  const keys: string[] = [];
  const include = patternsOf(choice.include.filter(countsFor(prefix)));
  const shown = (path: string) => (prefix === 'app' ? path : `${prefix}/${path}`);
  const reasonFor = reasons(root, prefix, skip, choice);
  const drop = (reason: string, path: string) => {
    const paths = dropped.get(reason) ?? [];
    paths.push(shown(path));
    dropped.set(reason, paths);
  };
  const top = realpathSync(root);

  // `above` has the real paths of the folders on the way, because a link may lead back to one of them.
  const visit = (folder: string, path: string, above: string[], onlyIncluded: boolean) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort(byName)) {
      const file = join(folder, entry.name);
      const inner = path === '' ? entry.name : `${path}/${entry.name}`;
      const stats = statSync(file, { throwIfNoEntry: false });
      if (stats === undefined) continue; // a link to nothing
      const link = entry.isSymbolicLink()
        ? linkReason(realpathSync(file), stats.isDirectory(), top, above, reasonFor)
        : null;
      const own = include.matches(shown(inner))
        ? null
        : onlyIncluded
          ? SILENT
          : reasonFor(inner, file, stats.isDirectory());
      const reason = link ?? own ?? (stats.isFile() || stats.isDirectory() ? null : 'pipes, sockets and devices');
      if (reason !== null && reason !== SILENT) drop(reason, inner);
      if (stats.isDirectory()) {
        if (reason === null || (link === null && include.leadsInto(shown(inner))))
          visit(file, inner, [...above, realpathSync(file)], reason !== null);
      } else if (reason === null) {
        const bytes = contentsOf(file, inner, prefix);
        const key = include.names(shown(inner)) ? null : keyIn(inner, bytes, prefix === 'app');
        if (key !== null) keys.push(`${shown(inner)} (${key})`);
        found.push({ path: `${prefix}/${inner}`, bytes, mtime: timeOf(stats.mtimeMs) });
      }
    }
  };
  visit(root, '', [top], false);
  if (keys.length > 0)
    throw new WsgiError(
      `build-python: these files must not be in the assets: ${keys.join(', ')}: leave them out with --exclude, or name them with --include to ship them`,
    );
  return found;
}

const countsFor =
  (prefix: 'app' | 'packages') =>
  (pattern: string): boolean =>
    prefix === 'app' || pattern.startsWith('packages/');

// The reason for files that need no mention.
const SILENT = '';

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

/** Tells why a link is not followed: it leads out of the tree, back to a folder above, or to something that is left out.
 *  @param real  the real path of its target
 *  @param top  the real path of the tree */
function linkReason(
  real: string,
  isFolder: boolean,
  top: string,
  above: string[],
  reasonFor: ReasonFor,
): string | null {
  if (above.includes(real)) return 'links to a folder above';
  if (!real.startsWith(top + sep)) return 'links that lead out of the folder';
  const segments = relative(top, real).split(sep);
  const targets = segments.map((_, index) => segments.slice(0, index + 1).join('/'));
  const hidden = targets.some((target) => reasonFor(target, join(top, target), isFolder || target !== targets.at(-1)));
  return hidden ? 'links to files that are left out' : null;
}

type ReasonFor = (path: string, file: string, isFolder: boolean) => string | null;

/** Returns a function that tells why a file or folder is left out, or null. */
function reasons(root: string, prefix: 'app' | 'packages', skip: string[], choice: Choice): ReasonFor {
  const exclude = patternsOf(choice.exclude.filter(countsFor(prefix)));
  const languages = new Set(['en', ...choice.languages].map(languageKey));
  return (path, file, isFolder) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (skip.includes(join(root, path))) return SILENT;
    if (exclude.matches(prefix === 'app' ? path : `${prefix}/${path}`)) return 'excluded';
    if (name.startsWith('.')) return 'hidden files and folders';
    if (name === '__pycache__' || name.endsWith('.pyc')) return 'compiled modules of another Python (.pyc)';
    if (!isFolder && BINARY.test(name)) return isExtension(file) ? null : NATIVE;
    if (isFolder && existsSync(join(file, 'pyvenv.cfg'))) return 'virtual environments';
    if (isFolder && holdsAssets(file)) return 'assets of a build';
    if (!isFolder && name.endsWith('.map')) return choice.maps ? null : MAPS;
    if (prefix === 'app') return NOT_CODE.find(([, patterns]) => patterns.matches(path))?.[0] ?? null;
    if (isFolder) return packageFolderReason(path, name, file);
    return packageFileReason(path, name, choice.languages.length === 0 ? undefined : languages);
  };
}

function packageFolderReason(path: string, name: string, file: string): string | null {
  if (name === 'node_modules') return 'folders of packages and tools';
  if (path === 'bin' && !existsSync(join(file, '__init__.py'))) return 'commands of packages (bin)';
  // Only below a package, because a distribution may itself be called tests.
  if (!path.includes('/')) return null;
  if (name === 'tests' || name === 'testing_data') return 'tests of packages';
  // django.test is a part of Django's interface.
  if (name === 'test' && readdirSync(file).some((module) => /^test_.*\.py$|_test\.py$/.test(module)))
    return 'tests of packages';
  return null;
}

function packageFileReason(path: string, name: string, languages: Set<string> | undefined): string | null {
  if (SOURCES.test(name)) return 'sources and translations that nobody reads (.po, .pyi, .c …)';
  if (LICENCE.test(name)) return null;
  if (name.endsWith('.rst')) return 'documentation (.rst)';
  if (/\.(dist|egg)-info\/[^/]+$/.test(path) && !RECORDS.test(name)) return 'installation records';
  const [, language] = /([^/]+)\/LC_MESSAGES\/[^/]+\.mo$/.exec(path) ?? [];
  if (language !== undefined && languages !== undefined && !languages.has(languageKey(language)))
    return 'translations into other languages (.mo)';
  return null;
}

/** "pt_br" of "pt-BR" and "pt_BR". */
const languageKey = (language: string): string => language.toLowerCase().replace('-', '_');

/** Reads a file. METADATA loses the description, which can be as long as a README. */
function contentsOf(file: string, path: string, prefix: 'app' | 'packages'): Uint8Array {
  const bytes = readFileSync(file);
  if (prefix === 'app' || !/^[^/]+\.(dist-info\/METADATA|egg-info\/PKG-INFO)$/.test(path)) return bytes;
  const [head = ''] = bytes.toString().split(/\r?\n\r?\n/);
  return Buffer.from(`${head.replace(/^Description:.*(\r?\n[ \t].*)*\r?\n?/m, '').trimEnd()}\n`);
}

const timeOf = (ms: number): number => {
  // The convention of reproducible builds: no file is younger than its source. 2038 ends the format.
  const latest = Number(process.env.SOURCE_DATE_EPOCH || 0x7fffffff);
  return Math.max(0, Math.min(Math.floor(ms / 1000), latest));
};
