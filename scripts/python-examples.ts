// The examples in Python: their sources, and how their assets are built.
import type { BuildOptions } from 'wsgi-edge/python/build';
import { ensureBuilt } from './build-python.ts';
import { isFetched, modulesOf, type PackageSet } from './python-packages.ts';

interface Example {
  title: string;
  /** The example whose Python application it runs. */
  python: keyof typeof BUILDS;
}

export const EXAMPLES = {
  flask: { title: 'The Flask example', python: 'flask' },
  django: { title: 'The Django example', python: 'django' },
  bottle: { title: 'The Bottle example', python: 'bottle' },
  mixed: { title: 'The mixed example', python: 'flask' },
} satisfies Record<string, Example>;
export type ExampleName = keyof typeof EXAMPLES;

const BUILDS = {
  flask: {
    application: 'examples/flask/python/app.py:app',
    packages: 'flask-example',
    // The secret of its sessions is read when the application is imported, and must not be frozen.
    snapshot: 'framework',
    static: true,
    // The mixed example has them below another path.
    include: ['static/*'],
    // Others are served while a request waits for D1, or for the package index.
    concurrent: true,
  },
  django: {
    application: 'examples/django/python/board/wsgi.py:application',
    packages: 'django-example',
    static: true,
  },
  bottle: { application: 'examples/bottle/python/app.py:app', packages: 'bottle' },
} satisfies Record<string, Omit<BuildOptions, 'packages'> & { packages: PackageSet }>;

/** The folder of an example's assets. */
export const assetsOf = (name: ExampleName): string => `examples/${EXAMPLES[name].python}/python_assets`;

/** The packages of the examples. */
export const EXAMPLE_PACKAGES: PackageSet[] = Object.values(BUILDS).map(({ packages }) => packages);

/** Builds the assets of an example unless they are up to date.
 *  @throws when its packages are missing, or it can't be built */
export async function buildExample(name: ExampleName, progress: (line: string) => void): Promise<void> {
  const { packages, ...build } = BUILDS[EXAMPLES[name].python];
  if (!isFetched(packages)) throw new Error(`the packages of ${packages} are missing; run: npm run python-packages`);
  await ensureBuilt({ ...build, packages: [modulesOf(packages)], out: assetsOf(name) }, progress);
}
