import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { WsgiError } from '../../src/errors.js';
import type { PythonAssets } from '../interpreter/assets.js';
import { downloadPip, runPip } from './own-pip.js';
import { type Requirement, type Requirements, readRequirements, withoutPassword } from './requirements.js';
import { downloadWheels, PYODIDE_PLATFORM, PYPI } from './wheels.js';

export interface InstallOptions {
  /** The package index of the option --index-url. */
  index?: string;
  /** The folder that messages name files from. */
  cwd: string;
  /** The environment in which uv and pip are looked for and run. */
  env?: NodeJS.ProcessEnv;
  /** Assets with an empty site zip, for the interpreter that runs pip if the machine has neither. */
  bare: PythonAssets;
  /** A folder that keeps that pip. */
  cache: string;
  progress: (line: string) => void;
}

const run = promisify(execFile);

/** Installs the packages of a requirements.txt into a folder: with uv or pip if one of them is installed, because they resolve
 *  versions and obey the options in the file, and with pip in an interpreter of the build otherwise. If the requirements have
 *  digests, they name every package, and their wheels are downloaded without pip. No code of a package runs.
 *  @throws {WsgiError} when a line can't be obeyed, or a package can't be installed */
export async function installRequirements(file: string, folder: string, options: InstallOptions): Promise<void> {
  const { index: given, cwd } = options;
  const wanted = readRequirements(file, cwd);
  if (given !== undefined && wanted.index !== undefined && given !== wanted.index)
    throw new WsgiError(
      `build-python: --index-url is ${withoutPassword(given)}, and ${relative(cwd, file)} names the index ${withoutPassword(wanted.index)}: leave out one of them`,
    );
  await installAll({ ...wanted, index: given ?? wanted.index }, folder, options);
}

/** Installs one package of a known version and digest. */
export async function installPinned(requirement: Requirement, folder: string, options: InstallOptions): Promise<void> {
  const wanted = { requirements: [requirement], constraints: [], extraIndexes: [], hashed: true, pre: false };
  await installAll({ ...wanted, index: options.index }, folder, options);
}

type Wanted = Omit<Requirements, 'index'> & { index?: string | undefined };

async function installAll(wanted: Wanted, folder: string, options: InstallOptions): Promise<void> {
  const { env = process.env, progress } = options;
  if (wanted.requirements.length === 0) return;
  // uv does not read the settings of pip.
  const index = wanted.index ?? (env.PIP_INDEX_URL || undefined);
  const tool = toolOf(env) ?? (wanted.hashed ? undefined : await ownPip(options, index ?? PYPI));
  if (tool === undefined) {
    progress('neither uv nor pip is installed: downloading the wheels of the requirements');
    return downloadWheels(wanted as Requirements, folder, index ?? PYPI, progress);
  }
  const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-requirements-'));
  try {
    const lists = writeLists({ ...wanted, index }, scratch);
    await installWith(tool, lists, folder, [folder, scratch], progress);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A kind of installer. */
interface Kind {
  name: string;
  /** Arguments by which it chooses wheels of pure Python and, except uv, which has no name for the platform, for Pyodide. */
  pure: string[];
  /** Arguments by which it also takes wheels for Linux, whose Python files may be enough. */
  native: string[];
  /** Its other arguments. */
  own: string[];
}

interface Tool extends Kind {
  /** @param folders  the folders that `args` name
   *  @throws an error with `stderr` when it fails */
  run(args: string[], folders: string[]): Promise<unknown>;
}

// Wheels for other systems have the same Python files.
const LINUX = ['manylinux_2_28_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux_2_5_x86_64'];

const UV: Kind = {
  name: 'uv',
  pure: ['--python-platform', 'wasm32-pyodide2024'],
  native: ['--python-platform', 'x86_64-manylinux_2_28'],
  own: ['--link-mode', 'copy', '--no-python-downloads'],
};
const PIP: Kind = {
  name: 'pip',
  pure: ['--platform', PYODIDE_PLATFORM, '--platform', 'any'],
  native: [PYODIDE_PLATFORM, ...LINUX].flatMap((platform) => ['--platform', platform]),
  // pip compares the version of Python that a package requires with its own, not with the one that is asked for.
  own: ['--no-compile', '--no-input', '--disable-pip-version-check', '--ignore-requires-python'],
};

/** The programs, in order, with the arguments by which each tells whether it works. uv installs nothing without a Python. */
const PROGRAMS: Array<[kind: Kind, probe: string[], program: string, ...before: string[]]> = [
  [UV, ['python', 'find', '--no-python-downloads'], 'uv'],
  [PIP, ['--version'], 'python3', '-m', 'pip'],
  [PIP, ['--version'], 'python', '-m', 'pip'],
  [PIP, ['--version'], 'pip'],
];

/** Finds uv or pip on the machine. */
function toolOf(env: NodeJS.ProcessEnv): Tool | undefined {
  const works = PROGRAMS.find(
    ([, probe, program, ...before]) => spawnSync(program, [...before, ...probe], { env }).status === 0,
  );
  if (works === undefined) return undefined;
  const [kind, , program, ...before] = works;
  const command = kind === UV ? ['pip'] : before;
  return { ...kind, run: (args) => run(program, [...command, ...args], { env }) };
}

/** Makes pip run in an interpreter of the build.
 *  @returns undefined without JSPI, and when pip can't be downloaded */
async function ownPip({ bare, cache, progress }: InstallOptions, index: string): Promise<Tool | undefined> {
  if (!('Suspending' in WebAssembly)) return undefined;
  try {
    const folder = await downloadPip(cache, index);
    progress('neither uv nor pip is installed: running pip in WebAssembly');
    return { ...PIP, run: (args, folders) => runPip(bare, folder, args, folders) };
  } catch (error) {
    progress(`pip can not be downloaded: ${(error as Error).message}`);
    return undefined;
  }
}

async function installWith(
  { name, run, pure, native, own }: Tool,
  lists: string[],
  folder: string,
  folders: string[],
  progress: (line: string) => void,
): Promise<void> {
  // No source distributions: their build would run code of the package.
  const rest = ['--target', folder, '--only-binary', ':all:', '--python-version', '3.14', ...own, ...lists];
  const install = (platform: string[]) => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return run(['install', ...platform, ...rest], folders);
  };
  try {
    try {
      await install(pure);
      progress(`installed the requirements with ${name}`);
    } catch {
      await install(native);
      progress(
        `installed the requirements with ${name}; packages without a wheel of pure Python lose their native parts`,
      );
    }
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string };
    throw new WsgiError(
      `build-python: ${name} can not install the requirements:\n${stderr.trimEnd()}\nChange requirements.txt, or install the packages yourself and name their folder with --packages`,
      { cause: error },
    );
  }
}

/** Writes the requirements for uv and pip, and returns the arguments that name them. The lines have no markers, because pip would
 *  evaluate those for its own Python. The URL of an index may have a password, which the arguments would show to other users. */
function writeLists(
  { requirements, constraints, index, extraIndexes, hashed, pre }: Wanted,
  scratch: string,
): string[] {
  const lineOf = ({ name, extras, specifier, hashes }: Requirement): string =>
    [
      `${name}${extras.length > 0 ? `[${extras.join(',')}]` : ''}${specifier}`,
      ...hashes.map((hash) => `--hash=${hash}`),
    ].join(' ');
  const indexes = [
    ...(index === undefined ? [] : [`--index-url ${index}`]),
    ...extraIndexes.map((url) => `--extra-index-url ${url}`),
  ];
  const write = (name: string, lines: string[]): string => {
    writeFileSync(join(scratch, name), `${lines.join('\n')}\n`, { mode: 0o600 });
    return join(scratch, name);
  };
  return [
    ...['-r', write('requirements.txt', [...indexes, ...requirements.map(lineOf)])],
    ...(constraints.length > 0 ? ['-c', write('constraints.txt', constraints.map(lineOf))] : []),
    ...(hashed ? ['--require-hashes'] : []),
    ...(pre ? ['--pre'] : []),
  ];
}
