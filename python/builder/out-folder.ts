import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { WsgiError } from '../../src/errors.js';

/** The file in the folder of the assets that lists the files of the build. The next build deletes only those. */
export const RECORD = 'wsgi-edge-build.json';
const PARTIAL = `${RECORD}.partial`;

/** A file to write: its path in the folder, with /, its contents, and the time of its last change, in seconds since 1970. */
export type Part = [name: string, data: Uint8Array | string, mtime?: number];

/** Tells whether a folder holds the assets of a build. */
export const holdsAssets = (folder: string): boolean => existsSync(join(folder, RECORD));

/** Checks that the assets can be written into a folder without the loss of any other file.
 *  @param kept  folders that the build reads, and the working folder
 *  @throws {WsgiError} when the folder is one of `kept` or holds one, and when it has files that no build wrote */
export function checkOut(out: string, kept: Array<[folder: string, role: string]>): void {
  const real = realPath(out);
  for (const [folder, role] of kept) {
    const inside = realPath(folder);
    if (inside === real) refuse(out, `is ${role}`);
    if (inside.startsWith(real.endsWith(sep) ? real : real + sep)) refuse(out, `contains ${role}`);
  }
  checkContents(out);
}

function checkContents(out: string): void {
  const stats = lstatSync(out, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!existsSync(out)) refuse(out, 'is a link to nothing');
  if (!statSync(out).isDirectory()) refuse(out, 'is a file');
  const earlier = new Set(earlierFiles(out));
  const others = filesIn(out).filter((name) => !earlier.has(name));
  if (others.length === 0) return;
  const named = others.slice(0, 3).join(', ') + (others.length > 3 ? ` and ${others.length - 3} more` : '');
  refuse(out, `holds files that no build wrote: ${named}`);
}

function refuse(out: string, reason: string): never {
  throw new WsgiError(
    `build-python: the folder for the assets (--out) ${out} ${reason}: choose a new or an empty folder, because the build replaces its contents`,
  );
}

/** Replaces the files of an earlier build in a folder. The list of files comes first, so that the next build can also remove the
 *  files of a build that was interrupted.
 *  @throws {WsgiError} when the folder has files that no build wrote */
export function replaceFiles(out: string, parts: Part[]): void {
  checkContents(out);
  mkdirSync(out, { recursive: true });
  const earlier = filesIn(out);
  const names = parts.map(([name]) => name);
  writeRecord(out, [...new Set([...earlier, ...names])]);
  for (const name of earlier) if (name !== RECORD) rmSync(join(out, name), { force: true });
  for (const { name, parentPath } of readdirSync(out, { withFileTypes: true }).filter((entry) => entry.isDirectory()))
    rmSync(join(parentPath, name), { recursive: true });
  writeFiles(out, parts);
  writeRecord(out, names);
}

/** Writes new files into a folder. */
export function writeFiles(folder: string, parts: Part[]): void {
  for (const [name, data, mtime] of parts) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    // 'wx' follows no link that somebody has put there since.
    writeFileSync(file, data, { flag: 'wx' });
    if (mtime !== undefined) utimesSync(file, mtime, mtime);
  }
}

/** The paths of the files in a folder, with /. It follows no links, so a path never leads out of the folder. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'));

function writeRecord(out: string, files: string[]): void {
  rmSync(join(out, PARTIAL), { force: true });
  const list = { about: 'The files that wsgi-edge build-python wrote here. The next build deletes them.', files };
  writeFileSync(join(out, PARTIAL), `${JSON.stringify(list, null, 2)}\n`, { flag: 'wx' });
  renameSync(join(out, PARTIAL), join(out, RECORD));
}

/** The paths of the files in a folder that an earlier build may have written. */
function earlierFiles(out: string): string[] {
  const record = join(out, RECORD);
  return existsSync(record) ? [...listedIn(record), RECORD, PARTIAL] : [PARTIAL];
}

function listedIn(record: string): string[] {
  try {
    return (JSON.parse(readFileSync(record, 'utf8')) as { files: string[] }).files.map(String);
  } catch (error) {
    throw new WsgiError(`build-python: ${record} is not the list of files that a build wrote: delete it`, {
      cause: error,
    });
  }
}

/** The real path of a file, which need not exist yet. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}
