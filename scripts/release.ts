// `npm run release` checks the release and publishes wsgi-edge and create-wsgi-edge; `npm run release -- --dry-run` checks and
// packs. See docs/RELEASING.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
  [field: string]: unknown;
}

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Manifest;
// npm makes a provenance statement on a build service that it knows, and fails elsewhere.
const provenance = Boolean(process.env.ACTIONS_ID_TOKEN_REQUEST_URL || process.env.SIGSTORE_ID_TOKEN);
const manifest = read('package.json');
const create = read('create/package.json');
const tag = `v${manifest.version}`;
// It stands in the addresses until the owner of the repository writes the real ones.
const PLACEHOLDER = 'OWNER';

const faults: string[] = [];
if (git('status', '--porcelain') !== '') faults.push('the tree is not clean: commit what belongs to the release');
if (!git('tag', '--points-at', 'HEAD').split('\n').includes(tag))
  faults.push(`HEAD has no tag ${tag}, the version of package.json: use npm version`);
if (!readFileSync('CHANGELOG.md', 'utf8').includes(`\n## ${manifest.version}`))
  faults.push(`CHANGELOG.md has no section "## ${manifest.version}": use npm version`);
for (const version of [create.version, create.dependencies?.['wsgi-edge']])
  if (version !== manifest.version)
    faults.push(`create/package.json has ${version} instead of ${manifest.version}: use npm version`);
for (const field of ['repository', 'homepage', 'bugs'])
  for (const [file, fields] of Object.entries({ 'package.json': manifest, 'create/package.json': create }))
    if (fields[field] === undefined)
      faults.push(`${file} has no ${field}, which npm shows and compares with the provenance statement: add its URL`);
const unfilled = spawnSync('git', ['grep', '-lF', `github.com/${PLACEHOLDER}/`, '--', '.', ':!test'], {
  encoding: 'utf8',
});
for (const file of unfilled.stdout.split('\n').filter((name) => name !== ''))
  faults.push(`${file} has the placeholder ${PLACEHOLDER}: write the owner of the repository in its place`);
if (faults.length > 0) {
  for (const fault of faults) console.error(`release: ${fault}`);
  process.exit(1);
}

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'inherit' });
run('.ci/run');
if (!provenance) console.warn('release: no identity token of a build service: published without provenance');
// create-wsgi-edge depends on the same version of wsgi-edge, so it comes second.
for (const folder of ['.', './create'])
  run('npm', 'publish', folder, `--provenance=${provenance}`, ...(values['dry-run'] ? ['--dry-run'] : []));
