// Serves the showcase in AWS's own runtime client for Node.js, behind a Function URL front on this machine. It loads
// build/showcase.mjs, the same bundle that is deployed.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startFunctionUrl } from 'wsgi-edge/emulation';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8788' } } });
const taskRoot = resolve(import.meta.dirname, '../build');

try {
  if (!existsSync(`${taskRoot}/showcase.mjs`)) throw new Error('there is no bundle; run: npm run start:lambda');
  const functionUrl = await startFunctionUrl({
    port: Number(values.port),
    taskRoot,
    handler: 'showcase.streamHandler',
    invokeMode: 'RESPONSE_STREAM',
    onProgress: (line) => console.log(line),
  });
  console.log(`The showcase on Lambda's runtime: ${functionUrl.url}/ (Ctrl+C stops it)`);
  const stop = () => functionUrl.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  console.error(`The showcase on Lambda can't start: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
