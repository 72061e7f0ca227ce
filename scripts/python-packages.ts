// Fills build/python/<set>/python_modules with the packages in the requirements.txt of each set. They come from pip's
// index, or from Debian's archive if the index can't be reached. A set that is up to date is not changed. The tests of the
// build's requirements also get uv and pip, if the index has them.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const PYTHON = join(root, 'build/python');

/** The locked requirements of each set of packages. */
export const SETS = {
  'flask-example': 'examples/flask/requirements.txt',
  'django-example': 'examples/django/requirements.txt',
  bottle: 'examples/bottle/requirements.txt',
  // Without the drivers and libraries of the examples: the benchmark measures these.
  flask: 'test/python/frameworks/flask.txt',
  django: 'test/python/frameworks/django.txt',
  falcon: 'test/python/frameworks/falcon.txt',
  pyramid: 'test/python/frameworks/pyramid.txt',
  databases: 'test/python/databases/requirements.txt',
  // Extension modules for Pyodide, which Debian does not have.
  extensions: 'test/python/extensions.txt',
  storage: 'test/python/storage/requirements.txt',
  cloudflare: 'test/python/storage/cloudflare.txt',
  pytest: 'test/python/storage/pytest.txt',
  static: 'test/python/static/requirements.txt',
  s3: 'test/python/s3/requirements.txt',
  // A server, which the machine's own Python runs.
  moto: 'test/python/s3/moto.txt',
};
export type PackageSet = keyof typeof SETS;

/** The folder of a set's packages, from the top of this repository. */
export const modulesOf = (set: PackageSet): string => `build/python/${set}/python_modules`;

const requirementsOf = (set: PackageSet): string => readFileSync(join(root, SETS[set]), 'utf8');
// The record of a folder: the requirements, then the packages installed for them.
const recordOf = (set: PackageSet): string => join(PYTHON, set, 'packages.txt');

/** Tells if the packages of a set are installed as its requirements.txt says. */
export function isFetched(set: PackageSet): boolean {
  const record = recordOf(set);
  return existsSync(record) && readFileSync(record, 'utf8').startsWith(`${requirementsOf(set)}\n`);
}

interface Requirement {
  name: string;
  version: string;
}

function parse(set: PackageSet): Requirement[] {
  return requirementsOf(set)
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('    --hash='))
    .map((line) => {
      const [, name, version] = /^([\w.-]+)==([\w.]+)(?: \\)?$/.exec(line) ?? [];
      if (name === undefined || version === undefined)
        throw new Error(`${SETS[set]}: ${line} is not like name==version`);
      return { name, version };
    });
}

/** Fills the folder of a set in one step, then records and prints the origin of its packages. */
function install(set: PackageSet, fill: (folder: string) => Promise<string>): Promise<void> {
  const target = join(root, modulesOf(set));
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  return fill(partial).then((origin) => {
    rmSync(recordOf(set), { force: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
    writeFileSync(recordOf(set), `${requirementsOf(set)}\n${origin}\n`);
    console.log(`${set}: ${origin}`);
  });
}

// Dependencies are not resolved, because the requirements are locked. Native libraries can't be used, but the modules
// beside them can.
const RETRIES = ['--retries', '0', '--timeout', '10'];
// pip checks some packages against the version of Python that it runs in.
const PIP = ['-m', 'pip', 'install', ...RETRIES];
const FOR_PYODIDE = ['--python-version', '3.14', '--ignore-requires-python'];

async function byPip(set: PackageSet, folder: string): Promise<string> {
  const platforms = set === 'extensions' ? ['--platform', 'pyemscripten_2026_0_wasm32', '--platform', 'any'] : [];
  const what = ['--target', folder, '--only-binary', ':all:', '--no-compile', '--no-deps', '-r', join(root, SETS[set])];
  await run('python3', [...PIP, ...(set === 'moto' ? [] : FOR_PYODIDE), ...platforms, ...what]);
  return `${parse(set)
    .map(({ name, version }) => `${name} ${version}`)
    .join(', ')} (pip)`;
}

// sid has these frameworks for CPython 3.14. Lists, state and downloads are in build/, so this does not touch the
// machine's apt and needs no root.
const APT = join(PYTHON, 'debian');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SETTINGS = [
  `Dir::Etc::sourcelist=${APT}/sources.list`,
  'Dir::Etc::sourceparts=/dev/null',
  'Dir::Etc::preferences=/dev/null',
  'Dir::Etc::preferencesparts=/dev/null',
  `Dir::State::lists=${APT}/lists`,
  'Dir::State::status=/dev/null',
  `Dir::Cache=${APT}/cache`,
  'APT::Sandbox::User=root',
  'Acquire::Languages=none',
  'Acquire::Retries=3',
].flatMap((setting) => ['-o', setting]);

/** Debian's archive, where this machine's own apt gets it. */
async function mirror(): Promise<string> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const uri = stdout.split('\n').find((line) => /\/debian\/?$/.test(line));
  if (uri === undefined) throw new Error("no source of this machine's apt is Debian's archive");
  return uri;
}

async function updateLists(): Promise<void> {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'packages'])
    mkdirSync(join(APT, folder), { recursive: true });
  if (!existsSync(KEYRING)) throw new Error(`there is no ${KEYRING} (package debian-archive-keyring)`);
  writeFileSync(join(APT, 'sources.list'), `deb [signed-by=${KEYRING}] ${await mirror()} sid main\n`);
  console.log('reading the list of packages of Debian sid');
  await run('apt-get', [...SETTINGS, '--error-on=any', 'update']);
}

async function fromDebian(set: PackageSet, folder: string): Promise<string> {
  const requirements = parse(set);
  const packages = join(APT, 'packages', set);
  rmSync(packages, { recursive: true, force: true });
  mkdirSync(packages);
  const names = requirements.map(({ name }) => `python3-${name.toLowerCase()}`);
  await run('apt-get', [...SETTINGS, 'download', ...names], { cwd: packages });
  const origins: string[] = [];
  for (const file of readdirSync(packages)) {
    const unpacked = join(packages, 'unpacked');
    await run('dpkg-deb', ['-x', join(packages, file), unpacked]);
    cpSync(join(unpacked, 'usr/lib/python3/dist-packages'), folder, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith('.so'),
    });
    rmSync(unpacked, { recursive: true });
    // python3-django_3%3a5.2.18-2_all.deb: an epoch, the version, Debian's revision.
    const [, name, version] = /^python3-(.+)_(?:\d+%3a)?([^_]+?)(?:[+.]dfsg[^_]*)?-[^_-]+_\w+\.deb$/.exec(file) ?? [];
    const wanted = requirements.find((each) => each.name.toLowerCase() === name)?.version;
    origins.push(`${name} ${version}${version === wanted ? '' : ` instead of ${wanted}`}`);
  }
  return `${origins.join(', ')} (Debian)`;
}

const lastLine = (error: unknown): string => {
  const { stderr = '', message } = error as Error & { stderr?: string };
  return stderr.trim().split('\n').at(-1) || message;
};

/** The folder of uv's programs. */
export const UV = join(PYTHON, 'uv/bin');

// Debian's archive has no uv, so a machine that does not reach the index goes without.
async function fetchUv(): Promise<void> {
  if (existsSync(UV)) return;
  const partial = join(PYTHON, 'uv.partial');
  rmSync(partial, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'pip', 'install', ...RETRIES, '--target', partial, 'uv==0.13.9']);
    renameSync(partial, join(PYTHON, 'uv'));
    console.log('uv 0.13.9 (pip)');
  } catch (error) {
    console.warn(`pip does not get uv, so its tests are skipped (${lastLine(error)})`);
  }
}

/** The wheel of the pip that the build runs in WebAssembly (python/builder/own-pip.ts). */
export const PIP_WHEEL = join(PYTHON, 'pip-26.3-py3-none-any.whl');

async function fetchPip(): Promise<void> {
  if (existsSync(PIP_WHEEL)) return;
  try {
    await run('python3', ['-m', 'pip', 'download', ...RETRIES, '--no-deps', '--dest', PYTHON, 'pip==26.3']);
    console.log('pip 26.3 (pip)');
  } catch (error) {
    console.warn(`pip does not get its own wheel, so its tests are skipped (${lastLine(error)})`);
  }
}

/** The sources of sqlalchemy-cloudflare-d1, which have its tests. */
export const D1_SOURCES = join(PYTHON, 'sqlalchemy_cloudflare_d1-0.4.1');

// Debian's archive does not have them.
async function fetchSources(): Promise<void> {
  if (existsSync(D1_SOURCES)) return;
  try {
    const what = ['--no-deps', '--no-binary', ':all:', '--dest', PYTHON];
    await run('python3', ['-m', 'pip', 'download', ...RETRIES, ...what, 'sqlalchemy-cloudflare-d1==0.4.1']);
    await run('tar', ['xzf', `${D1_SOURCES}.tar.gz`, '-C', PYTHON]);
    console.log('sources of sqlalchemy-cloudflare-d1 0.4.1 (pip)');
  } catch (error) {
    console.warn(`pip does not get the tests of sqlalchemy-cloudflare-d1, so they are skipped (${lastLine(error)})`);
  }
}

/** Fetches missing packages. @throws when neither pip's index nor Debian's archive has them */
export async function fetchPackages(): Promise<void> {
  await fetchUv();
  await fetchPip();
  await fetchSources();
  const wanted = (Object.keys(SETS) as PackageSet[]).filter((set) => !isFetched(set));
  const pipFails = await installAll(wanted, byPip);
  if (pipFails === undefined) return;
  console.log(`pip does not get them (${lastLine(pipFails)})`);
  const rest = wanted.filter((set) => !isFetched(set));
  const debianFails = await updateLists().then(
    () => installAll(rest, fromDebian),
    (error: unknown) => error,
  );
  if (debianFails === undefined) return;
  const missing = rest.filter((set) => !isFetched(set)).map((set) => `${set} (${SETS[set]})`);
  throw new Error(
    `the packages of ${missing.join(', ')} are missing.\n  pip: ${lastLine(pipFails)}\n  Debian: ${lastLine(debianFails)}`,
  );
}

/** Installs the sets that can be. Returns the first error instead of throwing it. */
async function installAll(
  sets: PackageSet[],
  method: (set: PackageSet, folder: string) => Promise<string>,
): Promise<unknown> {
  let first: unknown;
  for (const set of sets)
    await install(set, (folder) => method(set, folder)).catch((error: unknown) => {
      first ??= error;
    });
  return first;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await fetchPackages().then(
    () => console.log('the Python packages of the examples and tests are in build/python'),
    (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
