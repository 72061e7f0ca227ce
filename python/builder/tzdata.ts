import { WsgiError } from '../../src/errors.js';
import type { Collected } from './collect.js';
import { type InstallOptions, installPinned } from './install.js';
import { keepIn } from './wheels.js';

const TZDATA = {
  name: 'tzdata',
  extras: [],
  specifier: '==2026.6',
  hashes: ['sha256:0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec'],
  at: 'the tzdata of wsgi-edge build-python',
};

/** Finds a module that imports zoneinfo, which has no time zones in Pyodide without the package tzdata. Django is one: its default
 *  settings need UTC.
 *  @returns the path of the module; undefined when there is none or tzdata is among the packages */
export function needsTzdata(collected: Collected[]): string | undefined {
  if (collected.some(({ path }) => path === 'packages/tzdata/__init__.py')) return undefined;
  return collected.find(({ path, bytes }) => path.endsWith('.py') && importsZoneinfo(Buffer.from(bytes)))?.path;
}

const importsZoneinfo = (source: Buffer): boolean =>
  source.includes('zoneinfo') && /^[ \t]*(from|import)[ \t]+zoneinfo\b/m.test(source.toString());

/** Installs tzdata into a folder of the cache, unless it is there.
 *  @param user  the module that needs it
 *  @returns the folder
 *  @throws {WsgiError} when it can't be installed */
export const installTzdata = (user: string, cache: string, options: InstallOptions): Promise<string> =>
  keepIn(cache, TZDATA, (folder) =>
    installPinned(TZDATA, folder, options).catch((error: Error) => {
      throw new WsgiError(
        `build-python: ${user} imports zoneinfo, which finds no time zone without the package tzdata: add tzdata to the packages, or build with --exclude packages/tzdata if no time zone is used. It could not be installed: ${error.message}`,
        { cause: error },
      );
    }),
  );
