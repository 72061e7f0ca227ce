import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { WsgiError } from '../../src/errors.js';
import { type Requirement, type Requirements, readRequirements, withoutPassword } from './requirements.js';
import { downloadWheels, PYODIDE_PLATFORM } from './wheels.js';

export interface InstallOptions {
  /** The package index of the option --index-url. */
  index?: string;
  /** The folder that messages name files from. */
  cwd: string;
  /** The environment in which uv and pip are looked for and run. */
  env?: NodeJS.ProcessEnv;
  progress: (line: string) => void;
}

const run = promisify(execFile);

const PYPI = 'https://pypi.org/simple';

/** Installs the packages of a requirements.txt into a folder: with uv or pip if one of them is installed, because they resolve
 *  versions and obey the options in the file, and by downloading the wheels otherwise. No code of a package runs.
 *  @throws {WsgiError} when a line can't be obeyed, or a package can't be installed */
export async function installRequirements(file: string, folder: string, options: InstallOptions): Promise<void> {
  const { index: given, cwd, env = process.env, progress } = options;
  const wanted = readRequirements(file, cwd);
  if (given !== undefined && wanted.index !== undefined && given !== wanted.index)
    throw new WsgiError(
      `build-python: --index-url is ${withoutPassword(given)}, and ${relative(cwd, file)} names the index ${withoutPassword(wanted.index)}: leave out one of them`,
    );
  await installAll({ ...wanted, index: given ?? wanted.index }, folder, env, progress);
}

/** Installs one package of a known version and digest. */
export async function installPinned(requirement: Requirement, folder: string, options: InstallOptions): Promise<void> {
  const { index, env = process.env, progress } = options;
  const wanted = { requirements: [requirement], constraints: [], extraIndexes: [], hashed: true, pre: false };
  await installAll({ ...wanted, index }, folder, env, progress);
}

type Wanted = Omit<Requirements, 'index'> & { index?: string | undefined };

async function installAll(
  wanted: Wanted,
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  if (wanted.requirements.length === 0) return;
  // uv does not read the settings of pip.
  const index = wanted.index ?? (env.PIP_INDEX_URL || undefined);
  const tool = TOOLS.find(
    ({ command }) => spawnSync(command[0], [...command.slice(1), '--version'], { env }).status === 0,
  );
  if (tool === undefined) {
    progress('neither uv nor pip is installed: downloading the wheels of the requirements');
    return downloadWheels(wanted as Requirements, folder, index ?? PYPI, progress);
  }
  const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-requirements-'));
  try {
    const files = writeLists({ ...wanted, index }, scratch);
    await installWith(tool, files, folder, env, progress);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Tool {
  name: string;
  command: [string, ...string[]];
  /** Arguments by which it chooses wheels of pure Python and, except uv, which has no name for the platform, for Pyodide. */
  pure: string[];
  /** Arguments by which it also takes wheels for Linux, whose Python files may be enough. */
  native: string[];
}

// Wheels for other systems have the same Python files.
const LINUX = ['manylinux_2_28_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux_2_5_x86_64'];

const UV: Omit<Tool, 'command'> = {
  name: 'uv',
  pure: ['--python-platform', 'wasm32-pyodide2024'],
  native: ['--python-platform', 'x86_64-manylinux_2_28'],
};
const PIP: Omit<Tool, 'command'> = {
  name: 'pip',
  pure: ['--platform', PYODIDE_PLATFORM, '--platform', 'any'],
  native: [PYODIDE_PLATFORM, ...LINUX].flatMap((platform) => ['--platform', platform]),
};
const TOOLS: Tool[] = [
  { ...UV, command: ['uv'] },
  { ...PIP, command: ['python3', '-m', 'pip'] },
  { ...PIP, command: ['python', '-m', 'pip'] },
  { ...PIP, command: ['pip'] },
];

async function installWith(
  { name, command, pure, native }: Tool,
  lists: string[],
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  const [program, ...before] = name === 'uv' ? [...command, 'pip'] : command;
  const own =
    name === 'uv'
      ? ['--link-mode', 'copy', '--no-python-downloads']
      : // pip compares the version of Python that a package requires with its own, not with the one that is asked for.
        ['--no-compile', '--no-input', '--disable-pip-version-check', '--ignore-requires-python'];
  // No source distributions: their build would run code of the package.
  const rest = ['--target', folder, '--only-binary', ':all:', '--python-version', '3.14', ...own, ...lists];
  const install = (platform: string[]) => run(program, [...before, 'install', ...platform, ...rest], { env });
  try {
    try {
      await install(pure);
      progress(`installed the requirements with ${name}`);
    } catch {
      rmSync(folder, { recursive: true, force: true });
      await install(native);
      progress(
        `installed the requirements with ${name}; packages without a wheel of pure Python lose their native parts`,
      );
    }
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
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
