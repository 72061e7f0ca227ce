// The examples in Python: their sources, and how their assets are built.
import { ensureBuilt } from './build-python.ts';
import { isFetched, modulesOf, type PackageSet } from './python-packages.ts';

interface Example {
  title: string;
  /** The example whose Python application it runs; also the name of its packages. */
  python: PackageSet;
}

export const EXAMPLES = {
  flask: { title: 'The Flask example', python: 'flask' },
  django: { title: 'The Django example', python: 'django' },
  bottle: { title: 'The Bottle example', python: 'bottle' },
  mixed: { title: 'The mixed example', python: 'flask' },
} satisfies Record<string, Example>;
export type ExampleName = keyof typeof EXAMPLES;

const BUILDS: Partial<Record<PackageSet, { application: string; snapshot: 'app' | 'framework' }>> = {
  // The secret of its sessions is read when the application is imported, and must not be frozen.
  flask: { application: 'examples/flask/python/app.py:app', snapshot: 'framework' },
  // Its database has been migrated in the snapshot.
  django: { application: 'examples/django/python/board/wsgi.py:application', snapshot: 'app' },
  bottle: { application: 'examples/bottle/python/app.py:app', snapshot: 'app' },
};

/** The folder of an example's assets. */
export const assetsOf = (name: ExampleName): string => `examples/${EXAMPLES[name].python}/python_assets`;

/** Builds the assets of an example unless they are up to date.
 *  @throws when its packages are missing, or it can't be built */
export async function buildExample(name: ExampleName, progress: (line: string) => void): Promise<void> {
  const { python } = EXAMPLES[name];
  const build = BUILDS[python];
  if (build === undefined) throw new Error(`there is no example of ${python}`);
  if (!isFetched(python)) throw new Error(`the packages of ${python} are missing; run: npm run python-packages`);
  await ensureBuilt({ ...build, packages: [modulesOf(python)], out: assetsOf(name) }, progress);
}
