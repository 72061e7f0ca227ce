import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { WsgiError } from '../../src/errors.js';
import { readZip } from '../interpreter/zip.js';

interface Requirement {
  name: string;
  version: string;
  /** The SHA-256 digests that the wheel may have. An empty list accepts any. */
  hashes: string[];
}

interface IndexFile {
  filename: string;
  url: string;
  hashes?: { sha256?: string };
}

/** The Content-Type of PEP 691. */
const SIMPLE_JSON = 'application/vnd.pypi.simple.v1+json';

/** Downloads the wheels that a locked requirements.txt names, and unpacks them into a folder. Every line is `name==version`, as
 *  `pip freeze`, `pip-compile` and `uv pip compile` write it, because there is no resolver.
 *  @param index  the URL of a package index (PEP 691)
 *  @throws {WsgiError} on any other line, on a package without a wheel of pure Python, on a wrong digest */
export async function installRequirements(
  file: string,
  folder: string,
  index: string,
  progress: (line: string) => void,
): Promise<void> {
  const requirements = parseRequirements(readFileSync(file, 'utf8'));
  const names = new Set(requirements.map(({ name }) => normal(name)));
  for (const requirement of requirements) {
    const { name, version } = requirement;
    const wheel = await findWheel(requirement, index);
    const bytes = new Uint8Array(await (await get(wheel.url, '*/*')).arrayBuffer());
    const digest = createHash('sha256').update(bytes).digest('hex');
    const promised = requirement.hashes.length > 0 ? requirement.hashes : [wheel.hashes?.sha256 ?? digest];
    if (!promised.includes(digest))
      throw new WsgiError(`build-python: ${wheel.filename} has the sha256 ${digest}, and not ${promised.join(' or ')}`);
    const metadata = unpack(bytes, folder);
    progress(`downloaded ${name} ${version}`);
    for (const needed of dependencies(metadata))
      if (!names.has(needed)) progress(`${name} may need ${needed}, which ${file} does not have`);
  }
}

/** Reads the requirements of a locked file.
 *  @throws {WsgiError} on a line that is not `name==version` */
export function parseRequirements(text: string): Requirement[] {
  const lines = text.replace(/\\\r?\n/g, ' ').split(/\r?\n/);
  return lines.flatMap((line) => {
    const [stripped = ''] = line.split(/(?:^|\s)#/);
    const trimmed = stripped.trim();
    // The option --index-url names the index, and the tool that locked the file has evaluated the markers.
    if (trimmed === '' || /^(-i|--index-url|--extra-index-url|--only-binary|--require-hashes)\b/.test(trimmed))
      return [];
    const [, name, version] =
      /^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*==\s*([\w.!+-]+)(?:\s|;|$)/.exec(trimmed) ?? [];
    if (name === undefined || version === undefined)
      throw new WsgiError(
        `build-python: ${JSON.stringify(trimmed)} is not like "name==version": lock the requirements (pip freeze, pip-compile, uv pip compile), or install them with pip install --target and give the folder to --packages`,
      );
    return [
      { name, version, hashes: Array.from(trimmed.matchAll(/--hash=sha256:([0-9a-f]{64})/g), ([, hash = '']) => hash) },
    ];
  });
}

async function findWheel({ name, version }: Requirement, index: string): Promise<IndexFile> {
  const url = `${index.replace(/\/$/, '')}/${normal(name)}/`;
  const { files = [] } = (await (await get(url, SIMPLE_JSON)).json()) as { files?: IndexFile[] };
  const found = files.find(({ filename }) => {
    const [dist = '', wheelVersion = ''] = filename.split('-');
    return (
      normal(dist) === normal(name) &&
      wheelVersion === version &&
      /-(?:\w+\.)*py3\d*(?:\.\w+)*-none-any\.whl$/.test(filename)
    );
  });
  if (found === undefined)
    throw new WsgiError(
      `build-python: ${name} ${version} has no wheel of pure Python (py3-none-any) at ${url}: native code can not run here`,
    );
  return { ...found, url: new URL(found.url, url).href };
}

async function get(url: string, accept: string): Promise<Response> {
  const response = await fetch(url, { headers: { Accept: accept } });
  if (!response.ok) throw new WsgiError(`build-python: ${url} answers ${response.status}`);
  return response;
}

/** Unpacks a wheel into a folder, and returns its METADATA. */
function unpack(wheel: Uint8Array, folder: string): string {
  let metadata = '';
  for (const { name, method, read } of readZip(wheel)) {
    const path = normalize(name);
    if (path.startsWith('..') || path.startsWith('/'))
      throw new WsgiError(`build-python: a wheel has the path ${name}`);
    const bytes = method === 8 ? inflateRawSync(read()) : read();
    if (/\.dist-info\/METADATA$/.test(name)) metadata = Buffer.from(bytes).toString();
    // PEP 427: the files below purelib and platlib belong to site-packages.
    const target = join(folder, path.replace(/^[^/]+\.data\/(?:purelib|platlib)\//, ''));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
  return metadata;
}

function dependencies(metadata: string): string[] {
  const head = metadata.split(/\r?\n\r?\n/)[0] ?? '';
  return Array.from(head.matchAll(/^Requires-Dist: *([\w.-]+)(.*)$/gm)).flatMap(([, name = '', rest = '']) =>
    rest.includes(';') ? [] : [normal(name)],
  );
}

// PEP 503
const normal = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');
