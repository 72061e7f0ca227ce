#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, WsgiError } from '../../src/errors.js';
import { type BuildOptions, type BuildReport, buildPython } from './index.js';

const USAGE = `Usage: wsgi-edge build-python APPLICATION [options]

Builds the assets of a Python WSGI application for wsgi-edge/python. No Python is needed.

APPLICATION            app.py:app, pkg/wsgi.py:application, or pkg.module:app

--packages DIR         a folder of installed packages (pip install --target DIR ...); may be given again.
                       python_modules by default, if it exists
--requirements FILE    a locked requirements.txt; its wheels are downloaded
--index-url URL        the index of the wheels; $PIP_INDEX_URL or https://pypi.org/simple by default
--out DIR              the folder for the assets, which is emptied; python_assets by default
--snapshot app         freeze the memory after the import of the application (the default)
--snapshot framework   freeze it after the import of only the packages that it uses
--no-snapshot          freeze nothing; starts are slow
--env NAME=VALUE       an environment variable for the import; it becomes part of the assets
--allow-secrets NAME   accept a variable although its name looks like that of a secret
--concurrent           serve other requests while one waits; threading.local belongs to the request
--optimize             drop docstrings and asserts (python -OO)
`;

const SNAPSHOTS = ['app', 'framework', 'none'] as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      packages: { type: 'string', multiple: true },
      requirements: { type: 'string' },
      'index-url': { type: 'string' },
      out: { type: 'string' },
      snapshot: { type: 'string' },
      'no-snapshot': { type: 'boolean' },
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
  if (values.packages) options.packages = values.packages;
  if (values.requirements) options.requirements = values.requirements;
  const index = values['index-url'] ?? process.env.PIP_INDEX_URL;
  if (index) options.indexUrl = index;
  if (values.out) options.out = values.out;
  if (values['allow-secrets']) options.allowSecrets = values['allow-secrets'];
  if (values.concurrent) options.concurrent = true;
  if (values.optimize) options.optimize = true;
  const report = await buildPython(options);
  printSizes(report);
  const { out } = report;
  console.log(
    `\nIn a Worker:       import assets from '${out}/assets.mjs', with the rules of ${out}/wrangler-rules.toml`,
  );
  console.log(`In Lambda or Node: import assets from '${out}/node.mjs'`);
  console.log("Then:              fromPython(assets) of 'wsgi-edge/python' is the application");
}

function printSizes({ out, files, memory, dropped }: BuildReport): void {
  let [all, compressed] = [0, 0];
  console.log('');
  for (const { name, bytes, sha256 } of files) {
    const gzip = gzipSync(readFileSync(join(out, name))).length;
    all += bytes;
    compressed += gzip;
    console.log(`${mib(bytes)} MiB, gzip ${mib(gzip)}  ${sha256.slice(0, 12)}  ${name}`);
  }
  console.log(`${mib(all)} MiB, gzip ${mib(compressed)}  in all; Workers take 64 MiB, Lambda 250 MiB unzipped`);
  console.log(`${mib(memory)} MiB of memory in the interpreter`);
  for (const [reason, count] of Object.entries(dropped)) console.log(`left out ${count}: ${reason}`);
}

const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1).padStart(5);

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
