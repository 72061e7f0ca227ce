// `npm version minor` runs this between writing the new version to package.json and committing it: the version goes into the
// other files that have it, and the entries of CHANGELOG.md under "Unreleased" become its section.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const changed: string[] = [];

function edit(file: string, pattern: RegExp, replacement: string): void {
  const text = readFileSync(file, 'utf8');
  if (!pattern.test(text)) throw new Error(`version: ${file} has no ${pattern}`);
  writeFileSync(file, text.replace(pattern, replacement));
  changed.push(file);
}

const day = new Date().toISOString().slice(0, 10);
edit('CHANGELOG.md', /^## Unreleased\n(?=\n+###)/m, `## Unreleased\n\n## ${version} - ${day}\n`);
edit('create/package.json', /("version": ")[^"]*/, `$1${version}`);
edit('create/package.json', /("wsgi-edge": ")[^"]*/, `$1${version}`);
edit('src/environ.ts', /(export const VERSION = ')[^']*/, `$1${version}`);
execFileSync('git', ['add', ...changed]);
