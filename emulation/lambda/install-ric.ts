// AWS's runtime client for Node.js builds a native part when it is installed (about 40 s). It is installed on demand into
// a separate folder, because as a devDependency it would make `npm ci` fail if a build tool is missing.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const VERSION = '4.0.2';
const cache = resolve('node_modules/.cache/wsgi-edge');
const home = join(cache, `aws-lambda-ric-${VERSION}`);
const main = (folder: string) => join(folder, 'node_modules/aws-lambda-ric/index.mjs');
const LIMIT = 600_000; // ms

const run = promisify(execFile);

/** Returns the path of the runtime client's main module: the one that the project has installed, or one that is built on first use
 *  into its node_modules/.cache.
 *  @param onProgress  told when a build begins
 *  @throws when it can't be built; the message names the missing tool
 *  @example
 *  ```ts
 *  import { ensureRuntimeClient } from 'wsgi-edge/emulation';
 *
 *  export const build = () => ensureRuntimeClient((line) => console.log(line));
 *  ``` */
export async function ensureRuntimeClient(onProgress: (line: string) => void = () => {}): Promise<string> {
  const installed = main(resolve('.'));
  if (existsSync(installed)) return installed;
  if (existsSync(main(home))) return main(home);
  await checkTools();
  onProgress(
    `getting AWS's runtime client: aws-lambda-ric ${VERSION} from the npm registry, and building its native part (once, about 40 s, at most ${LIMIT / 60_000} minutes)`,
  );
  mkdirSync(cache, { recursive: true });
  // Build in a temporary folder and move it, because two processes may run this at once, and one may be stopped half-way.
  const folder = mkdtempSync(join(cache, 'build-'));
  try {
    const manifest = {
      private: true,
      dependencies: { 'aws-lambda-ric': VERSION },
      allowScripts: { 'aws-lambda-ric': true },
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    await run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
      cwd: folder,
      env: { ...process.env, PATH: path, ...nodeHeaders() },
      maxBuffer: 64 * 1024 * 1024,
      timeout: LIMIT,
    }).catch((error: { killed?: boolean; stderr?: string; message: string }) => {
      const failed = error.killed ? `was not built within ${LIMIT / 1000} seconds` : 'could not be built';
      const tail = (error.stderr || error.message).trim().split('\n').slice(-15).join('\n');
      throw new Error(
        `aws-lambda-ric ${VERSION} ${failed}. It needs the npm registry, and Node's headers: those of Debian's libnode-dev are found, others by npm_config_nodedir. npm said:\n${tail}`,
      );
    });
    if (!existsSync(join(folder, 'node_modules/aws-lambda-ric/rapid-client.node')))
      throw new Error(`aws-lambda-ric ${VERSION} was installed without its native part`);
    if (!existsSync(home)) renameSync(folder, home);
    return main(home);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The headers of Node that are installed, because node-gyp would download them otherwise. Any version will do: the native part
 *  uses only Node-API, whose binary interface does not change. */
function nodeHeaders(): Record<string, string> {
  if (process.env.npm_config_nodedir !== undefined) return {};
  const prefixes = [dirname(dirname(process.execPath)), '/usr', '/usr/local'];
  const found = prefixes.find((prefix) => existsSync(join(prefix, 'include/node/node_api.h')));
  return found === undefined ? {} : { npm_config_nodedir: found };
}

async function checkTools(): Promise<void> {
  if (process.platform !== 'linux')
    throw new Error(
      `AWS's runtime client (aws-lambda-ric) builds its native part on Linux only, not on ${process.platform}`,
    );
  const missing: string[] = [];
  for (const tool of ['cmake', 'make', 'g++', 'xz'])
    await run(tool, ['--version']).catch(() => missing.push(tool === 'xz' ? 'xz-utils' : tool));
  if (missing.length > 0)
    throw new Error(
      `AWS's runtime client (aws-lambda-ric) has to be built, and this is missing: ${missing.join(', ')}. On Debian: apt-get install ${missing.join(' ')}`,
    );
}
