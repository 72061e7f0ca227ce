import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environ } from '../../src/types.js';
import { fromPython, folder as inFolder } from '../index.js';
import type { PythonAssets } from '../interpreter/assets.js';
import { withSite } from './bare.js';
import { readPythonHalf } from './python-half.js';
import { downloadWheels, keepIn, PYPI } from './wheels.js';

const PIP = {
  name: 'pip',
  extras: [],
  specifier: '==26.3',
  hashes: ['sha256:f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13'],
  at: 'the pip of wsgi-edge build-python',
};

const TIMEOUT = 600_000; // ms

/** Downloads pip, which runs in the interpreter, into a folder of the cache, unless it is there.
 *  @param index  the package index of the requirements, which need not have it
 *  @returns the folder
 *  @throws {WsgiError} when it can't be downloaded */
export const downloadPip = (cache: string, index: string): Promise<string> =>
  keepIn(cache, PIP, (folder) => {
    const wanted = { requirements: [PIP], constraints: [], extraIndexes: [], hashed: true, pre: false };
    const from = (source: string) => downloadWheels(wanted, folder, source, () => {});
    return from(index).catch((error) => (index === PYPI ? Promise.reject(error) : from(PYPI)));
  });

/** Runs pip in an interpreter. It needs JSPI, because it waits for the network.
 *  @param bare  assets with an empty site zip
 *  @param pip  the folder of pip
 *  @param folders  the folders of the machine that `args` name
 *  @throws an error whose `stderr` is the output of pip, as `execFile` does, when pip fails */
export async function runPip(bare: PythonAssets, pip: string, args: string[], folders: string[]): Promise<void> {
  const files = readdirSync(pip, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((path) => ({
      name: `packages${path.slice(pip.length).replaceAll('\\', '/')}`,
      data: new Uint8Array(readFileSync(path)),
    }));
  const half = readPythonHalf().map(({ path, bytes }) => ({ name: path, data: bytes }));
  const inside = (text: string) =>
    folders.reduce((path, folder, at) => path.replace(folder, `/folder-${at}`).replaceAll('\\', '/'), text);
  const app = fromPython(withSite(bare, [...files, ...half], false), {
    application: 'wsgi_edge.installer:app',
    timeout: TIMEOUT,
    files: Object.fromEntries(folders.map((folder) => [inside(folder), inFolder(folder)])),
  });
  const environ = {
    REQUEST_METHOD: 'POST',
    CONTENT_LENGTH: '0',
    'wsgi_edge.arguments': [
      ...args.map(inside),
      '--no-cache-dir',
      '--progress-bar=off',
      '--use-deprecated=legacy-certs',
    ].join('\n'),
    'wsgi.errors': { write() {}, flush() {} },
    'wsgi_edge.signal': new AbortController().signal,
    'wsgi_edge.wait_until'() {},
  } as unknown as Environ;
  let status = '';
  const output: Uint8Array[] = [];
  const body = await app(environ, (line) => {
    status = line;
    return async () => {};
  });
  for await (const chunk of body) output.push(chunk);
  await body.close?.();
  if (status !== '200 OK') throw Object.assign(new Error('pip failed'), { stderr: Buffer.concat(output).toString() });
}
