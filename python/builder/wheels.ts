import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { WsgiError } from '../../src/errors.js';
import { readZip } from '../interpreter/zip.js';
import { normalName, type Requirement, type Requirements, withoutPassword } from './requirements.js';

interface IndexFile {
  filename: string;
  url: string;
  hashes?: Record<string, string>;
}

/** The platform of extension modules for this Pyodide (PEP 783). */
export const PYODIDE_PLATFORM = 'pyemscripten_2026_0_wasm32';

/** Names of wheels that can be used here, the better kind first. */
const USABLE = [
  new RegExp(`-cp3\\d+-(?:cp314|abi3)-${PYODIDE_PLATFORM}\\.whl$`),
  /-(?:\w+\.)*py3\d*(?:\.\w+)*-none-any\.whl$/,
  // The Python files of one for Linux may be enough. The build leaves its libraries out, and names them.
  /-cp3\d+-(?:cp314|abi3)-manylinux[\w.]+\.whl$/,
];

export const PYPI = 'https://pypi.org/simple';

/** The Content-Type of PEP 691. */
const SIMPLE_JSON = 'application/vnd.pypi.simple.v1+json';

/** Downloads the wheels of locked requirements, and unpacks them into a folder. Every requirement is `name==version`, because
 *  this code does not resolve versions.
 *  @param index  the URL of a package index (PEP 691)
 *  @throws {WsgiError} on requirements that need a resolver, on a package without a wheel of pure Python, for Pyodide or for
 *    Linux, on a wrong digest */
export async function downloadWheels(
  wanted: Requirements,
  folder: string,
  index: string,
  progress: (line: string) => void,
): Promise<void> {
  if (wanted.extraIndexes.length > 0)
    throw new WsgiError(
      `build-python: --extra-index-url ${withoutPassword(wanted.extraIndexes[0] ?? '')}: without uv and pip the build reads only one index: ${ADVICE}, or remove the line`,
    );
  const pinned = wanted.requirements.map((requirement) => pinOf(requirement, wanted));
  for (const requirement of pinned) {
    const { name, version } = requirement;
    const wheel = await findWheel(requirement, index);
    const bytes = new Uint8Array(await (await get(wheel.url, '*/*', index)).arrayBuffer());
    checkDigest(requirement, wheel, bytes);
    unpack(bytes, folder);
    progress(`downloaded ${name} ${version}`);
  }
}

// The build has a pip of its own, which needs JSPI.
const ADVICE = 'install one of them, build on Node 24 or later with access to https://pypi.org';

/** Keeps a package of a known version in a folder of the cache.
 *  @param fill  called with another folder unless the cache has it
 *  @returns the folder */
export async function keepIn(
  cache: string,
  { name, specifier }: Requirement,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cache, `${name}${specifier}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, `${name}-`));
  try {
    await fill(partial);
    // Another build may have been faster.
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

type Pinned = Requirement & { version: string };

function pinOf(requirement: Requirement, { constraints, hashed }: Requirements): Pinned {
  const { name, specifier, at, hashes } = requirement;
  const [, version] = /^={2,3}([\w.!+-]+)$/.exec(specifier) ?? [];
  if (version === undefined)
    throw new WsgiError(
      `build-python: ${at}: ${JSON.stringify(name + specifier)} is not like "name==version", and neither uv nor pip is there to choose a version: ${ADVICE}, or lock the requirements (pip freeze, pip-compile, uv pip compile)`,
    );
  const constraint = constraints.find((each) => normalName(each.name) === normalName(name));
  if (constraint !== undefined && constraint.specifier !== specifier)
    throw new WsgiError(
      `build-python: ${at}: ${name}${specifier} is not the ${name}${constraint.specifier} of ${constraint.at}`,
    );
  if (hashed && hashes.length === 0)
    throw new WsgiError(
      `build-python: ${at}: ${name} has no --hash, and the requirements ask for one on every line (--require-hashes, or a --hash on another line)`,
    );
  return { ...requirement, version };
}

// The algorithms that pip accepts.
const ALGORITHMS = ['sha256', 'sha384', 'sha512'];

function checkDigest(
  { name, hashes, at }: Pinned,
  { filename, hashes: listed = {} }: IndexFile,
  bytes: Uint8Array,
): void {
  const weak = hashes.find((hash) => !ALGORITHMS.includes(hash.split(':')[0] ?? ''));
  if (weak !== undefined)
    throw new WsgiError(
      `build-python: ${at}: ${name} has the hash ${weak}, which is not one of ${ALGORITHMS.join(', ')}`,
    );
  const ofIndex = Object.entries(listed)
    .filter(([algorithm]) => ALGORITHMS.includes(algorithm))
    .map(([algorithm, digest]) => `${algorithm}:${digest}`);
  const promised = hashes.length > 0 ? hashes : ofIndex;
  const digests = ALGORITHMS.map((algorithm) => `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`);
  if (promised.length > 0 && !promised.some((hash) => digests.includes(hash)))
    throw new WsgiError(`build-python: ${at}: ${filename} has the ${digests[0]}, and not ${promised.join(' or ')}`);
}

async function findWheel({ name, version }: Pinned, index: string): Promise<IndexFile> {
  const url = `${index.replace(/\/$/, '')}/${normalName(name)}/`;
  const { files = [] } = (await (await get(url, SIMPLE_JSON, index)).json()) as { files?: IndexFile[] };
  const offered = files.filter(({ filename }) => {
    const [dist = '', wheelVersion = ''] = filename.split('-');
    return normalName(dist) === normalName(name) && wheelVersion === version;
  });
  const [found] = USABLE.flatMap((usable) => offered.filter(({ filename }) => usable.test(filename)));
  if (found === undefined)
    throw new WsgiError(
      `build-python: ${name} ${version} has no wheel of pure Python (py3-none-any), for Pyodide (${PYODIDE_PLATFORM}) or for Linux (manylinux) with Python 3.14 at ${withoutPassword(url)}: choose another version or package`,
    );
  return { ...found, url: new URL(found.url, url).href };
}

/** Fetches a URL, with the name and password of the index if it is on the same server. */
async function get(url: string, accept: string, index: string): Promise<Response> {
  const { origin, username, password } = new URL(index);
  const target = new URL(url);
  target.username = target.password = '';
  const headers: Record<string, string> = { Accept: accept };
  if (username !== '' && target.origin === origin) {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    headers.Authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  const response = await fetch(target, { headers });
  if (!response.ok) throw new WsgiError(`build-python: ${target} answers ${response.status}`);
  return response;
}

/** Unpacks a wheel into a folder. */
function unpack(wheel: Uint8Array, folder: string): void {
  for (const { name, method, read } of readZip(wheel)) {
    const path = normalize(name);
    if (path.startsWith('..') || path.startsWith('/'))
      throw new WsgiError(`build-python: a wheel has the path ${name}`);
    const bytes = method === 8 ? inflateRawSync(read()) : read();
    // PEP 427: the files below purelib and platlib belong to site-packages.
    const target = join(folder, path.replace(/^[^/]+\.data\/(?:purelib|platlib)\//, ''));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
}
