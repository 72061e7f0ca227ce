import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { callApp, testEnviron } from 'wsgi-edge/testing';
import { validator } from 'wsgi-edge/validator';
import { describe } from '../src/errors.js';
import { type Named, parseApplication } from './application.js';
import { load } from './start.js';

/** A finding: a mistake ends the command with 1, advice does not. */
interface Finding {
  level: 'ok' | 'advice' | 'mistake';
  text: string;
}

const ok = (text: string): Finding => ({ level: 'ok', text });
const advice = (text: string): Finding => ({ level: 'advice', text });
const mistake = (text: string): Finding => ({ level: 'mistake', text });

/** Looks for mistakes in an application, in the files that wire it to a platform, and in their sizes. */
export async function checkCommand([text = '']: string[]): Promise<void> {
  const named = parseApplication(text);
  const findings = [
    ...(await checkApplication(named)),
    ...(await checkWorker(named)),
    ...checkLambda(),
    ...checkSizes(),
  ];
  for (const { level, text: line } of findings) console.log(`${level.padEnd(8)} ${line}`);
  const mistakes = findings.filter(({ level }) => level === 'mistake').length;
  console.log(mistakes === 0 ? '\nno mistakes found' : `\n${mistakes} mistake${mistakes === 1 ? '' : 's'}`);
  if (mistakes > 0) process.exitCode = 1;
}

async function checkApplication(named: Named): Promise<Finding[]> {
  try {
    const app = validator(await load(named));
    const logged: string[] = [];
    const environ = testEnviron();
    environ['wsgi.errors'] = {
      write: (line) => void logged.push(line),
      writelines: (lines) => void logged.push(...lines),
      flush() {},
    };
    const { status } = await callApp(app, environ);
    const breach = logged.find((line) => /WsgiError|AssertionError/.test(line));
    if (breach !== undefined) return [mistake(`GET /: ${breach.split('\n')[0]}`)];
    return [
      Number(status.slice(0, 3)) >= 500
        ? advice(`GET / answers ${status}${logged.length === 0 ? '' : `:\n${logged.join('').trimEnd()}`}`)
        : ok(`GET / answers ${status}, and the validator has no complaint`),
    ];
  } catch (error) {
    return [mistake((error as Error).name === 'WsgiError' ? (error as Error).message : describe(error))];
  }
}

const SINCE = '2026-11-17'; // from this compatibility date on, enable_request_signal is the default

interface WranglerConfig {
  main?: string;
  compatibility_date?: string;
  compatibility_flags?: string[];
  rules?: Array<{ type: string; globs: string[] }>;
  [key: string]: unknown;
}

async function checkWorker(named: Named): Promise<Finding[]> {
  const file = ['wrangler.toml', 'wrangler.json', 'wrangler.jsonc'].find((name) => existsSync(name));
  if (file === undefined) return [];
  const config = await readWrangler(file);
  if (config === undefined) return [advice(`${file} was not read, because wrangler is not installed`)];
  const { main, compatibility_date: date = '', compatibility_flags: flags = [], rules = [] } = config;
  const findings: Finding[] = [];
  if (date < SINCE && !flags.includes('enable_request_signal'))
    findings.push(
      advice(
        `${file}: the compatibility date ${date || '(none)'} is before ${SINCE}: without the flag enable_request_signal, nobody is told of a client that leaves`,
      ),
    );
  if (main === undefined || !existsSync(main)) return [...findings, mistake(`${file}: main names no file`)];
  const source = readFileSync(main, 'utf8');
  const shown = relative('.', main);
  findings.push(
    ...checkExports(shown, source, 'toCloudflareHandler', 'export default toCloudflareHandler(application)'),
  );
  findings.push(...missingBindings(file, source + sourceOf(named), config));
  const python = /python_assets\/(\w+)\.mjs/.exec(source)?.[1];
  if (python === 'node')
    findings.push(mistake(`${shown} imports node.mjs, which is for Node and Lambda: import assets.mjs`));
  const ruled = (type: string, name: string) =>
    rules.some((rule) => rule.type === type && rule.globs.some((glob) => glob.endsWith(name)));
  if (python !== undefined && !(ruled('Data', '.bin') && ruled('Data', '.zip') && ruled('CompiledWasm', '.wasm')))
    findings.push(
      mistake(`${file} has no rules for .bin, .zip and .wasm: copy python_assets/wrangler-rules.toml into it`),
    );
  return findings.some(({ level }) => level === 'mistake')
    ? findings
    : [...findings, ok(`${file} and ${shown} fit together`)];
}

async function readWrangler(file: string): Promise<WranglerConfig | undefined> {
  try {
    const path = createRequire(join(process.cwd(), 'package.json')).resolve('wrangler');
    const { unstable_readConfig: read } = (await import(pathToFileURL(path).href)) as {
      unstable_readConfig(options: { config: string }): WranglerConfig;
    };
    return read({ config: file });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Finds the bindings that sources read from `workers.env`, and that the configuration has not. It can't know secrets. */
function missingBindings(file: string, source: string, config: WranglerConfig): Finding[] {
  const used = new Set(Array.from(source.matchAll(/workers\.env['"]?\]?\.(\w+)/g), ([, name = '']) => name));
  const known = JSON.stringify(config);
  return [...used]
    .filter((name) => !known.includes(JSON.stringify(name)))
    .map((name) =>
      advice(`${file} has no binding ${name}, which the application reads from workers.env, unless it is a secret`),
    );
}

const sourceOf = (named: Named): string => (named.language === 'typescript' ? readFileSync(named.file, 'utf8') : '');

const MAKERS: Record<string, string> = {
  toCloudflareHandler: 'Workers',
  toLambdaHandler: 'Lambda',
  toLambdaStreamHandler: 'Lambda',
  toNodeHandler: 'Node',
};

/** Checks that a module has the exports that its platform needs. */
function checkExports(file: string, source: string, wanted: string, example: string): Finding[] {
  const makers = Object.keys(MAKERS).filter((name) => source.includes(`${name}(`));
  if (makers.some((name) => MAKERS[name] === MAKERS[wanted])) {
    if (wanted === 'toCloudflareHandler' && !/export default|as default/.test(source))
      return [mistake(`${file} has no default export, which Workers want: ${example}`)];
    return [];
  }
  const [other] = makers;
  if (other !== undefined) return [mistake(`${file} exports a handler for ${MAKERS[other]} (${other}): ${example}`)];
  // Another module may make the handler.
  return /^export\b/m.test(source) ? [] : [mistake(`${file} exports no handler: ${example}`)];
}

function checkLambda(): Finding[] {
  const file = ['serverless.yml', 'template.yaml', 'template.yml'].find((name) => existsSync(name));
  if (file === undefined) return [];
  const findings: Finding[] = [];
  for (const [, handler = ''] of readFileSync(file, 'utf8').matchAll(/^\s*(?:handler|Handler):\s*['"]?([^\s'"#]+)/gm)) {
    const [, path = '', name = ''] = /^(.*)\.(\w+)$/.exec(handler) ?? [];
    const [source] = ['.ts', '.mts', '.mjs', '.js']
      .flatMap((ending) => [path + ending, `${path.replace(/^.*\//, '')}${ending}`])
      .filter((each) => existsSync(each));
    if (source === undefined) {
      findings.push(advice(`${file}: the handler ${handler} is in no file yet (it may be a bundle)`));
      continue;
    }
    const text = readFileSync(source, 'utf8');
    findings.push(
      ...checkExports(source, text, 'toLambdaHandler', `export const ${name} = toLambdaHandler(application)`),
    );
    if (/python_assets\/assets\.mjs/.test(text))
      findings.push(mistake(`${source} imports assets.mjs, which is for Workers: import node.mjs`));
    if (
      !new RegExp(`export (const|let|var|function|async function) ${name}\\b|export \\{[^}]*\\b${name}\\b`).test(
        text,
      ) &&
      !source.endsWith('js')
    )
      findings.push(mistake(`${file} names ${handler}, and ${source} has no export ${name}`));
  }
  return findings.length === 0 ? [ok(`${file} and its handlers fit together`)] : findings;
}

// https://developers.cloudflare.com/workers/platform/limits/ and https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const WORKER = 64 * 1024 * 1024;
const LAMBDA = 250 * 1024 * 1024;

function checkSizes(): Finding[] {
  const folder = resolve('python_assets');
  if (!existsSync(folder)) return [];
  const bytes = globSync('*', { cwd: folder }).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const size = `${(bytes / 1_048_576).toFixed(1)} MiB`;
  if (bytes > LAMBDA) return [mistake(`python_assets has ${size}; Lambda takes 250 MiB, unzipped`)];
  if (bytes > WORKER)
    return [
      advice(
        `python_assets has ${size}; Workers take 64 MiB: leave out languages or static files (build-python --languages, --static)`,
      ),
    ];
  return [ok(`python_assets has ${size}; Workers take 64 MiB, Lambda 250 MiB`)];
}
