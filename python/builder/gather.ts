import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { WsgiError } from '../../src/errors.js';
import type { PythonAssets } from '../interpreter/assets.js';
import { type Choice, type Collected, collect, type Dropped } from './collect.js';
import { foreignPackages, missingDependencies } from './dependencies.js';
import { type InstallOptions, installRequirements } from './install.js';
import { listNative } from './native.js';
import { patternsOf } from './patterns.js';
import { readPythonHalf } from './python-half.js';
import { installTzdata, needsTzdata } from './tzdata.js';

/** The places of the files to ship. */
export interface Sources {
  /** The folder of the application. */
  root: string;
  /** The folder for the assets, which is not shipped. */
  out: string;
  cwd: string;
  /** Folders of packages. */
  packages: string[];
  requirements?: string;
  indexUrl?: string;
  cache?: string;
  progress: (line: string) => void;
  /** Assets with an empty site zip, for an interpreter that installs the requirements. */
  bare: PythonAssets;
}

/** Collects the files of the application, of its packages and of the gateway.
 *  @param dropped  receives the files that are left out */
export async function gather(sources: Sources, choice: Choice, dropped: Dropped): Promise<Collected[]> {
  const { root, out, cwd, packages, requirements, indexUrl, bare, progress } = sources;
  const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-packages-'));
  const cache = sources.cache ?? scratch;
  const settings: InstallOptions = { cwd, bare, cache, progress, ...(indexUrl !== undefined && { index: indexUrl }) };
  try {
    const collectPackages = (folder: string) => collect(folder, 'packages', [], choice, dropped);
    const collected = [
      ...collect(root, 'app', [out, ...packages], choice, dropped),
      ...packages.flatMap(collectPackages),
      ...readPythonHalf(),
    ];
    for (const line of foreignPackages(collected)) progress(`${line}, and will run on 3.14`);
    if (requirements !== undefined) {
      const folder = join(scratch, 'required');
      mkdirSync(folder);
      await installRequirements(resolve(cwd, requirements), folder, settings);
      const required = collectPackages(folder);
      checkPython(required);
      collected.push(...required);
    }
    const user = needsTzdata(collected);
    if (user !== undefined && !patternsOf(choice.exclude).matches('packages/tzdata')) {
      const folder = await installTzdata(user, cache, settings);
      collected.push(...collectPackages(folder));
    }
    collected.push(...listNative(dropped));
    checkNames(collected);
    for (const line of missingDependencies(collected)) progress(`${line}, which is not among the packages`);
    progress(
      `collected ${collected.length} files: the application below ${root}, packages in ${packages.join(', ') || 'none'}`,
    );
    return collected;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The folders of packages that are given, or python_modules if it exists.
 *  @throws {WsgiError} when a given folder does not exist */
export function packageFolders(given: string[] | undefined, cwd: string): string[] {
  if (given === undefined) {
    const folder = join(cwd, 'python_modules');
    return existsSync(folder) ? [folder] : [];
  }
  const folders = given.map((folder) => resolve(cwd, folder));
  for (const folder of folders)
    if (!existsSync(folder)) throw new WsgiError(`build-python: there is no folder of packages ${folder}`);
  return folders;
}

// pip itself compares with the version of Python that it runs on, and is told not to (install.ts).
function checkPython(required: Collected[]): void {
  const [line] = foreignPackages(required);
  if (line !== undefined)
    throw new WsgiError(
      `build-python: ${line}, and Pyodide has 3.14: require another version of it, or install it yourself and name its folder with --packages`,
    );
}

function checkNames(collected: Collected[]): void {
  const taken = new Set<string>();
  for (const { path } of collected) {
    if (taken.has(path))
      throw new WsgiError(`build-python: ${path} is in two folders of packages: leave one of them out`);
    taken.add(path);
  }
}
