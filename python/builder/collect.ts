import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { WsgiError } from '../../src/errors.js';

/** A file to ship: its path in the site zip, with /, and its bytes. */
export interface Collected {
  path: string;
  bytes: Uint8Array;
}

/** The number of files that were left out, by reason. */
export type Dropped = Map<string, number>;

/** An application: the folder that its imports start from, and "module:name". */
export interface Entry {
  root: string;
  application: string;
}

/** Reads "app.py:app", "pkg/wsgi.py:application" or "pkg.wsgi:application" (from `cwd`).
 *  @throws {WsgiError} when there is no such file */
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

const NEVER = new Set(['__pycache__', 'node_modules']);
const BINARY = /\.(so|pyd|dylib|dll|a|o|exe)$/;
const SOURCES = /\.(po|pot|pyi|pyx|pxd|c|h|cpp|hpp|rst|ts|map)$/;
const PACKAGE_TESTS = new Set(['tests', 'test', 'testing_data']);

/** Collects the files below a folder, except files that can't run or that nobody reads.
 *  @param prefix  "app" or "packages"
 *  @param skip  absolute paths of folders to leave out */
export function collect(root: string, prefix: 'app' | 'packages', skip: string[], dropped: Dropped): Collected[] {
  const found: Collected[] = [];
  const drop = (reason: string) => dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  const visit = (folder: string, path: string) => {
    for (const name of readdirSync(folder).sort()) {
      const file = join(folder, name);
      const stats = statSync(file, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.isDirectory()) {
        const reason = folderReason(name, file, prefix, path);
        if (skip.includes(file)) continue;
        if (reason !== null) drop(reason);
        else visit(file, `${path}/${name}`);
        continue;
      }
      const reason = fileReason(name, prefix, path);
      if (reason !== null) drop(reason);
      else found.push({ path: `${path}/${name}`, bytes: readFileSync(file) });
    }
  };
  visit(root, prefix);
  return found;
}

function folderReason(name: string, file: string, prefix: string, path: string): string | null {
  if (name.startsWith('.')) return 'hidden folders';
  if (NEVER.has(name)) return `folders ${name}`;
  if (existsSync(join(file, 'pyvenv.cfg'))) return 'virtual environments';
  // Only below a package, because a distribution may itself be called tests.
  if (prefix === 'packages' && PACKAGE_TESTS.has(name) && path !== 'packages') return 'tests of packages';
  return null;
}

function fileReason(name: string, prefix: string, path: string): string | null {
  if (name.startsWith('.')) return 'hidden files';
  if (BINARY.test(name)) return 'native libraries (.so …), which can not run';
  if (prefix === 'packages' && SOURCES.test(name))
    return 'sources and translations that nobody reads (.po, .pyi, .c …)';
  if (name.endsWith('.pyc')) return 'compiled modules of another Python (.pyc)';
  if (/\.(dist|egg)-info$/.test(path) && !/^(METADATA|PKG-INFO|entry_points\.txt|top_level\.txt)$/.test(basename(name)))
    return 'installation records';
  return null;
}
