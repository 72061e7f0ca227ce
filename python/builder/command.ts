#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, type BuildReport, buildPython } from 'wsgi-edge/python/build';
import { describe, WsgiError } from '../../src/errors.js';
import { contentTable, mib } from './table.js';

const USAGE = `Usage: wsgi-edge build-python APPLICATION [options]

Builds the assets of a Python WSGI application for wsgi-edge/python. No Python is needed.

APPLICATION            app.py:app, pkg/wsgi.py:application, or pkg.module:app

--packages DIR         a folder of installed packages (pip install --target DIR ...); may be given again.
                       python_modules by default, if it exists
--requirements FILE    a requirements.txt, which uv or pip installs; without them it must be locked
                       (name==version), and the wheels are downloaded. Only wheels count
--index-url URL        the package index; by default that of the file, $PIP_INDEX_URL or https://pypi.org/simple
--exclude PATTERN      leave files of the application out, as in .gitignore, or files of packages
                       (packages/NAME/...); may be given again. [tool.wsgi-edge] in pyproject.toml may have the
                       lists exclude, include and languages
--include PATTERN      ship files that are left out by default or by --exclude; may be given again. Keys and
                       credentials must be named without wildcards
--languages LIST       the translations (.mo) of packages to ship, such as de,pt_BR; all by default
--out DIR              the folder for the assets, python_assets by default; only files of an earlier build
                       in it are replaced
--snapshot app         freeze the memory after the import of the application (the default)
--snapshot framework   freeze it after the import of only the packages that it uses
--no-snapshot          freeze nothing; starts are slow
--compress-snapshot    compress the snapshot to about a third; starts take longer
--target TARGET        worker, or node (Lambda and Node); both by default. For Workers, assets of more than
                       64 MiB are an error
--env NAME=VALUE       an environment variable for the import; it becomes part of the assets
--allow-secrets NAME   accept a variable although its name or value looks like a secret
--concurrent           serve other requests also while a view waits for a promise; otherwise they wait for it, up
                       to the option timeout. threading.local belongs to the request
--optimize             drop docstrings and asserts (python -OO)
`;

const TARGETS = ['worker', 'node', 'all'] as const;
const SNAPSHOTS = ['app', 'framework', 'none'] as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      packages: { type: 'string', multiple: true },
      requirements: { type: 'string' },
      'index-url': { type: 'string' },
      exclude: { type: 'string', multiple: true },
      include: { type: 'string', multiple: true },
      languages: { type: 'string' },
      out: { type: 'string' },
      snapshot: { type: 'string' },
      'no-snapshot': { type: 'boolean' },
      'compress-snapshot': { type: 'boolean' },
      target: { type: 'string' },
      env: { type: 'string', multiple: true },
      'allow-secrets': { type: 'string', multiple: true },
      concurrent: { type: 'boolean' },
      optimize: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command, application, ...more] = positionals;
  if (values.help || command === undefined) return console.log(USAGE);
  if (command !== 'build-python' || application === undefined || more.length > 0) throw new WsgiError(USAGE);
  const snapshot = values['no-snapshot'] ? 'none' : (values.snapshot ?? 'app');
  const options: BuildOptions = {
    application,
    snapshot: SNAPSHOTS.find((level) => level === snapshot) ?? fail(`--snapshot is app or framework, not ${snapshot}`),
    env: Object.fromEntries((values.env ?? []).map(variable)),
    cache: 'node_modules/.cache/wsgi-edge',
    progress: (line) => console.log(line),
  };
  const { target } = values;
  if (target)
    options.target = TARGETS.find((each) => each === target) ?? fail(`--target is worker or node, not ${target}`);
  if (values['compress-snapshot']) options.compressSnapshot = true;
  if (values.packages) options.packages = values.packages;
  if (values.requirements) options.requirements = values.requirements;
  if (values['index-url']) options.indexUrl = values['index-url'];
  if (values.exclude) options.exclude = values.exclude;
  if (values.include) options.include = values.include;
  if (values.languages) options.languages = values.languages.split(',').map((language) => language.trim());
  if (values.out) options.out = values.out;
  if (values['allow-secrets']) options.allowSecrets = values['allow-secrets'];
  if (values.concurrent) options.concurrent = true;
  if (values.optimize) options.optimize = true;
  const report = await buildPython(options);
  printSizes(report);
  console.log('');
  const { out } = report;
  if (target !== 'node')
    console.log(
      `In a Worker:       import assets from '${out}/assets.mjs', with the rules of ${out}/wrangler-rules.toml`,
    );
  if (target !== 'worker') console.log(`In Lambda or Node: import assets from '${out}/node.mjs'`);
  console.log("Then:              fromPython(assets) of 'wsgi-edge/python' is the application");
}

function printSizes({ out, files, contents, memory, dropped }: BuildReport): void {
  let [all, compressed] = [0, 0];
  console.log('');
  for (const { name, bytes, sha256 } of files) {
    const gzip = gzipSync(readFileSync(join(out, name))).length;
    all += bytes;
    compressed += gzip;
    console.log(`${mib(bytes)} MiB, gzip ${mib(gzip)}  ${sha256.slice(0, 12)}  ${name}`);
  }
  console.log(`${mib(all)} MiB, gzip ${mib(compressed)}  in all; Workers take 64 MiB, Lambda 250 MiB unzipped`);
  console.log(`\n${contentTable(contents)}\n`);
  console.log(`${mib(memory)} MiB of memory in the interpreter`);
  for (const [reason, paths] of Object.entries(dropped)) {
    // The user can't change the files of packages, but may miss a native library.
    const own = paths.filter((path) => !path.startsWith('packages/') || reason.startsWith('native'));
    const named = own.slice(0, NAMED).join(', ') + (own.length > NAMED ? ', …' : '');
    console.log(`left out ${paths.length}: ${reason}${named && `: ${named}`}`);
  }
}

// Files to name for each reason.
const NAMED = 5;

function variable(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) fail(`--env takes NAME=VALUE, not ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function fail(what: string): never {
  throw new WsgiError(`build-python: ${what}`);
}

try {
  await main();
} catch (error) {
  const expected = error instanceof WsgiError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  console.error(expected ? (error as Error).message : describe(error));
  process.exitCode = 1;
}
