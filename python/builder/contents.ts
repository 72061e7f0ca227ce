import { WsgiError } from '../../src/errors.js';
import { readZip } from '../interpreter/zip.js';
import { type Content, contentTable, mib } from './table.js';

export type { Content };

/** Lists the packages and the folders of the application in a site zip, the largest first. */
export function contentsOf(site: Uint8Array): Content[] {
  const parts = new Map<string, Content>();
  for (const { name, size, length } of readZip(site)) {
    const [top = '', first = '', inner] = name.split('/');
    const group = inner !== undefined && /\.(dist|egg)-info$/.test(first) ? '*.dist-info' : first;
    const path = top === 'app' ? group : `${top}/${group}`;
    const part = parts.get(path) ?? { path, files: 0, packed: 0, unpacked: 0 };
    parts.set(path, part);
    part.files++;
    part.packed += size;
    part.unpacked += length;
  }
  return [...parts.values()].sort((a, b) => b.packed - a.packed);
}

/** The limit of a Worker, uncompressed: https://developers.cloudflare.com/workers/platform/limits/ */
const WORKER_LIMIT = 64 * 1_048_576; // bytes

/** Checks the size of the assets for a Worker.
 *  @param total  bytes of the files that the Worker imports
 *  @throws {WsgiError} when they are too large */
export function checkWorkerSize(total: number, contents: Content[]): void {
  if (total <= WORKER_LIMIT) return;
  const advice = [
    '--static leaves static files to the platform; --exclude leaves out any files',
    '--languages leaves out translations; --optimize leaves out docstrings and asserts',
    '--target node builds only for Lambda and Node, which take more',
  ];
  throw new WsgiError(
    `build-python: the assets have ${mib(total).trim()} MiB, and a Worker may have ${mib(WORKER_LIMIT).trim()} MiB with its own code:\n${contentTable(contents)}\n${advice.join('\n')}`,
  );
}
