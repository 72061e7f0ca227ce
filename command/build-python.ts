import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, type BuildReport, buildPython } from 'wsgi-edge/python/build';
import { contentTable, mib, NATIVE } from '../python/builder/table.js';
import { WsgiError } from '../src/errors.js';
import { textOf, textsOf, type Values } from './arguments.js';
import { CACHE } from './cache.js';

const TARGETS = ['worker', 'node', 'all'] as const;
const SNAPSHOTS = ['app', 'framework', 'none'] as const;

/** Builds the assets of a Python application, and prints their sizes. */
export async function buildPythonCommand([application = '']: string[], values: Values): Promise<void> {
  if (!values.watch) return buildAndPrint(application, values);
  const { watchFiles } = await import('./watch.js');
  const watch = await watchFiles(process.cwd(), textOf(values.out) ?? 'python_assets');
  for (;;) {
    // A mistake in the application is mended in a later change.
    await buildAndPrint(application, values).catch((error: Error) => console.error(error.message));
    console.log('\nwatching for changes (Ctrl+C ends it)');
    console.log(`\n${await watch.changed()} has changed`);
  }
}

async function buildAndPrint(application: string, values: Values): Promise<void> {
  const snapshot = values['no-snapshot'] ? 'none' : (textOf(values.snapshot) ?? 'app');
  const options: BuildOptions = {
    application,
    snapshot: SNAPSHOTS.find((level) => level === snapshot) ?? fail(`--snapshot is app or framework, not ${snapshot}`),
    env: Object.fromEntries(textsOf(values.env).map(variable)),
    cache: CACHE,
    progress: (line) => console.log(line),
  };
  const target = textOf(values.target);
  if (target !== undefined)
    options.target = TARGETS.find((each) => each === target) ?? fail(`--target is worker or node, not ${target}`);
  for (const name of ['packages', 'exclude', 'include'] as const)
    if (values[name] !== undefined) options[name] = textsOf(values[name]);
  for (const name of ['requirements', 'out'] as const)
    if (values[name] !== undefined) options[name] = String(values[name]);
  if (values['index-url'] !== undefined) options.indexUrl = String(values['index-url']);
  if (values.languages !== undefined)
    options.languages = String(values.languages)
      .split(',')
      .map((language) => language.trim());
  if (values['allow-secrets'] !== undefined) options.allowSecrets = textsOf(values['allow-secrets']);
  if (values.concurrent) options.concurrent = true;
  if (values.optimize) options.optimize = true;
  if (values.static) options.static = true;
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
  if (report.static !== undefined) printStatic(report.static);
}

function printStatic({ folder, files, size, prefixes, remarks, wrangler }: NonNullable<BuildReport['static']>): void {
  console.log(
    files === 0
      ? '\nNo static files were found'
      : `\n${files} static files, ${mib(size).trim()} MiB, below ${prefixes.join(', ')}, which ${folder} holds for the platform`,
  );
  for (const remark of remarks) console.log(`  ${remark}`);
  if (files === 0) return;
  console.log(`In wrangler.toml:  ${wrangler.trimEnd().replaceAll('\n', `\n${' '.repeat(19)}`)}`);
  console.log(`In Lambda or Node: staticFiles({ folder: '${folder}' })(application) of 'wsgi-edge/middleware'`);
  console.log(`On S3:             aws s3 sync ${folder} s3://BUCKET --delete`);
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
    // The user can't change the files of packages, but may miss any of the native libraries.
    const native = reason === NATIVE;
    const own = native ? paths : paths.filter((path) => !path.startsWith('packages/'));
    const named = native ? own : own.slice(0, NAMED);
    const list = named.join(', ') + (named.length < own.length ? ', …' : '');
    console.log(`left out ${paths.length}: ${reason}${list && `: ${list}`}`);
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
