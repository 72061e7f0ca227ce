// A function with Python in it, in AWS's own runtime client.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type FunctionUrlOptions, startFunctionUrl } from '../../emulation/lambda/function-url.ts';
import { ensureRuntimeClient } from '../../emulation/lambda/install-ric.ts';
import { ASSETS } from './assets.ts';

/** Why there is no runtime client to test with; undefined where there is one. */
export const runtimeMissing = await ensureRuntimeClient().then(
  () => undefined,
  (error: Error) => error.message,
);
if (runtimeMissing !== undefined && !process.env.CI)
  console.warn(`skipped, what needs Lambda's runtime: ${runtimeMissing}`);

/** Starts a function whose code imports the assets from './python_assets/node.mjs'.
 *  @param taskRoot  an empty folder for it
 *  @param handler  the name of its export */
export async function startFunction(
  contents: string,
  taskRoot: string,
  handler: string,
  invokeMode: FunctionUrlOptions['invokeMode'],
  folder = ASSETS,
): ReturnType<typeof startFunctionUrl> {
  cpSync(folder, join(taskRoot, 'python_assets'), { recursive: true });
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: join(taskRoot, 'index.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['./python_assets/node.mjs'],
    logLevel: 'warning',
  });
  return startFunctionUrl({ port: 0, taskRoot, handler: `index.${handler}`, invokeMode, onOutput: () => {} });
}
