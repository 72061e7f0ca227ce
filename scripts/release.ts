// `npm run release` checks the release, and publishes the package and create-wsgi-edge; `npm run release -- --dry-run` checks and
// packs. See docs/RELEASING.md.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();

interface Manifest {
  version: string;
  repository?: unknown;
  dependencies?: Record<string, string>;
}
const manifestIn = (folder: string): Manifest => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
const { version, repository } = manifestIn('.');
const create = manifestIn('create');
// npm makes a provenance statement on a build service that it knows, and refuses --provenance elsewhere.
const provenance = process.env.ACTIONS_ID_TOKEN_REQUEST_URL || process.env.SIGSTORE_ID_TOKEN ? ['--provenance'] : [];
const tag = `v${version}`;

const faults: string[] = [];
if (git('status', '--porcelain') !== '') faults.push('the tree is not clean: commit what belongs to the release');
if (!git('tag', '--points-at', 'HEAD').split('\n').includes(tag))
  faults.push(`HEAD has no tag ${tag}, the version of package.json`);
if (!readFileSync('CHANGELOG.md', 'utf8').includes(`\n## ${version}`))
  faults.push(`CHANGELOG.md has no section "## ${version}"`);
if (create.version !== version || create.dependencies?.['wsgi-edge'] !== version)
  faults.push(`create/package.json must have the version ${version}, and depend on wsgi-edge ${version}`);
if (provenance.length > 0 && (repository === undefined || create.repository === undefined))
  faults.push(
    'package.json or create/package.json has no repository, without which npm refuses the provenance statement (E422): add its URL',
  );
if (faults.length > 0) {
  for (const fault of faults) console.error(`release: ${fault}`);
  process.exit(1);
}

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'inherit' });
run('.ci/run');
if (provenance.length === 0)
  console.warn('release: no identity token of a build service: published without provenance');
// create-wsgi-edge depends on the other one.
for (const folder of ['.', './create'])
  run('npm', 'publish', folder, '--access', 'public', ...provenance, ...(values['dry-run'] ? ['--dry-run'] : []));
