import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, WsgiError } from '../../src/errors.js';
import { ownFrames } from '../bridge/python-error.js';
import { definedIn, type Environment } from '../environment.js';
import type { PythonAssets } from '../interpreter/assets.js';
import { bootPython } from '../interpreter/boot.js';
import { withSite } from './bare.js';
import type { Choice } from './collect.js';
import { setEnvironment } from './freeze.js';
import { type Part, writeFiles } from './out-folder.js';
import { patternsOf } from './patterns.js';
import type { ZipFile } from './zip-writer.js';

/** The folder of static files, in the folder of the assets. */
export const PUBLIC = 'public';

/** The static files of an application, as the platform serves them. */
export interface StaticReport {
  /** Their folder from the working folder. It is laid out by URL. */
  folder: string;
  files: number;
  /** Bytes. */
  size: number;
  /** The URL paths below which they are, such as "/static/". */
  prefixes: string[];
  /** Lines about files that could not be found, or must be served in another way. */
  remarks: string[];
  /** The lines for wrangler.toml, "" without files. */
  wrangler: string;
}

/** The static files of an application, and its assets without them. */
export interface Statics {
  assets: PythonAssets;
  /** The files to write beside the assets. */
  parts: Part[];
  report: StaticReport;
}

type Found = [
  files: Array<[url: string, bytes: Uint8Array, mtime: number]>,
  left: string[],
  folders: string[],
  shipped: Array<[path: string, bytes: Uint8Array]>,
  remarks: string[],
];

/** Finds the static files of an application in an interpreter of its own, because collectstatic writes files and imports modules
 *  that are not for the snapshot.
 *  @param bare  the assets with an empty site zip
 *  @param files  the files for the site zip
 *  @param out  the folder of the assets
 *  @throws {WsgiError} when the application can't be imported, or its collectstatic fails */
export async function collectStatics(
  bare: PythonAssets,
  files: ZipFile[],
  { include: included }: Choice,
  out: string,
): Promise<Statics> {
  const [found, left, folders, shipped, remarks] = await find(withSite(bare, files, false));
  const gone = new Set(left);
  const include = patternsOf(included);
  const isLeft = ({ name }: ZipFile): boolean =>
    !include.matches(name.replace(/^app\//, '')) &&
    (name.endsWith('.map') || gone.has(`/${name}`) || folders.some((folder) => `/${name}`.startsWith(`${folder}/`)));
  const added = shipped.map(([path, data]): ZipFile => ({ name: path.slice(1), data }));
  const others = files.filter(({ name }) => !added.some((file) => file.name === name));
  const assets = withSite(bare, [...others.filter((file) => !isLeft(file)), ...added]);
  const outside = others
    .filter(isLeft)
    .map(({ name, data, mtime = 0 }): [string, number, number] => [name, data.length, mtime * 1000]);
  return {
    assets: { ...assets, manifest: { ...assets.manifest, outside } },
    parts: found.map(([url, bytes, mtime]): Part => [PUBLIC + url, bytes, mtime]),
    report: reportOf(found, remarks, `${out}/${PUBLIC}`),
  };
}

/** Collects the static files of an application into a folder below `cache`. Its name is a digest of the files, so that several
 *  processes can share it.
 *  @param env  the environment variables that the application needs for its import
 *  @throws {WsgiError} when the application can't be imported, or its collectstatic fails */
export async function collectStatic(assets: PythonAssets, cache: string, env: Environment = {}): Promise<StaticReport> {
  const [found, , , , remarks] = await find(assets, definedIn(env));
  const digest = createHash('sha256');
  for (const [url, bytes] of found) digest.update(`${url}\0${bytes.length}\0`).update(bytes);
  const folder = resolve(cache, `static-${digest.digest('hex').slice(0, 16)}`);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const partial = mkdtempSync(`${folder}-`);
    writeFiles(
      partial,
      found.map(([url, bytes, mtime]): Part => [url, bytes, mtime]),
    );
    // Another process may have been faster.
    if (existsSync(folder)) rmSync(partial, { recursive: true });
    else renameSync(partial, folder);
  }
  return reportOf(found, remarks, folder);
}

async function find(assets: PythonAssets, env: Record<string, string> = {}): Promise<Found> {
  const { python } = await bootPython(assets);
  setEnvironment(python, env);
  try {
    return python.pyimport('wsgi_edge.static').collect?.(assets.manifest.application) as Found;
  } catch (error) {
    const cause = error instanceof Error ? ownFrames(error.message.trimEnd()) : describe(error);
    throw new WsgiError(`build-python: the static files can not be collected:\n${cause}`, { cause: error });
  }
}

const reportOf = (found: Found[0], remarks: string[], folder: string): StaticReport => ({
  folder,
  files: found.length,
  size: found.reduce((sum, [, { length }]) => sum + length, 0),
  prefixes: [...new Set(found.map(([url]) => (/^\/[^/]+\//.exec(url) ?? ['/'])[0]))],
  remarks,
  wrangler: found.length === 0 ? '' : `[assets]\ndirectory = ${JSON.stringify(folder)}\nhtml_handling = "none"\n`,
});
