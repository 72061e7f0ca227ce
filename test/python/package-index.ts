// A package index on this machine, and the environments in which the build finds pip, uv or nothing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { writeZip } from '../../python/builder/zip-writer.js';
import { UV } from '../../scripts/python-packages.ts';

/** Makes a wheel of pure Python.
 *  @param files  the contents by name
 *  @param metadata  further lines of METADATA */
export function makeWheel(name: string, version: string, files: Record<string, string>, metadata = ''): Uint8Array {
  const info = `${name.replaceAll('-', '_')}-${version}.dist-info`;
  const all = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${metadata}`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const names = [...Object.keys(all), `${info}/RECORD`];
  const record = names.map((file) => `${file},,\n`).join('');
  const entries = Object.entries({ ...all, [`${info}/RECORD`]: record });
  const zip = writeZip(entries.map(([file, text]) => ({ name: file, data: Buffer.from(text) })));
  // uv refuses wheels whose comment may hide another zip. Here the comment is a digest.
  const withoutComment = Buffer.from(zip.subarray(0, -32));
  withoutComment.writeUInt16LE(0, withoutComment.length - 2);
  return withoutComment;
}

export interface PackageIndex {
  url: string;
  /** The paths that were asked for. */
  asked: string[];
  close(): void;
}

/** Serves files as a package index (PEP 691).
 *  @param files  the bytes by name of the file */
export async function startIndex(files: Record<string, Uint8Array>): Promise<PackageIndex> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const [, name] = /^\/simple\/([^/]+)\/$/.exec(path) ?? [];
    const bytes = files[path.slice('/files/'.length)];
    if (bytes !== undefined) {
      response.end(bytes);
      return;
    }
    const listed = Object.entries(files)
      .filter(([filename]) => filename.split('-')[0]?.replaceAll('_', '-') === name)
      .map(([filename, data]) => ({
        filename,
        url: `/files/${filename}`,
        hashes: { sha256: createHash('sha256').update(data).digest('hex') },
      }));
    response.statusCode = listed.length > 0 ? 200 : 404;
    response.setHeader('Content-Type', 'application/vnd.pypi.simple.v1+json');
    response.end(JSON.stringify({ meta: { 'api-version': '1.0' }, name, files: listed }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`, asked, close };
}

/** The environment without the settings of pip and uv on this machine. */
export function cleanEnvironment(path: string): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(PIP|UV)_/.test(name));
  return { ...Object.fromEntries(entries), PATH: path, PIP_CONFIG_FILE: '/dev/null', UV_NO_CONFIG: '1' };
}

/** Makes a folder for PATH that has only pip, only uv, or nothing.
 *  @returns undefined when that tool is not installed */
export function pathWith(tool: 'pip' | 'uv' | 'nothing', scratch: string): string | undefined {
  const folder = join(scratch, `path with ${tool}`);
  mkdirSync(folder, { recursive: true });
  if (tool === 'nothing') return folder;
  const python = spawnSync('python3', ['-c', 'import pip, sys; print(sys.executable)'], { encoding: 'utf8' });
  if (tool === 'pip') {
    if (python.status !== 0) return undefined;
    forward(folder, 'python3', python.stdout.trim());
    return folder;
  }
  const uv = [UV, ...(process.env.PATH ?? '').split(delimiter)].map((path) => join(path, 'uv'));
  const found = uv.find((file) => spawnSync(file, ['--version']).status === 0);
  if (found === undefined) return undefined;
  forward(folder, 'uv', found);
  // uv looks for a Python, and the build must not find pip in it.
  writeFileSync(join(folder, 'python3'), `#!/bin/sh\n[ "$2" = pip ] && exit 1\nexec "${python.stdout.trim()}" "$@"\n`);
  chmodSync(join(folder, 'python3'), 0o755);
  return folder;
}

function forward(folder: string, name: string, program: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\nexec "${program}" "$@"\n`);
  chmodSync(join(folder, name), 0o755);
}
