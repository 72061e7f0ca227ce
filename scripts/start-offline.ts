// Serves the showcase behind a local API Gateway, a REST API and an HTTP API, by serverless-offline: the functions of
// serverless.offline.yml in the current folder, without features that need a network or AWS credentials.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
const CONFIG = 'serverless.offline.yml';
const osls = resolve(import.meta.dirname, '../node_modules/serverless/bin/serverless.js');

const { values } = parseArgs({
  options: { 'rest-port': { type: 'string', default: '8790' }, 'http-port': { type: 'string', default: '8791' } },
});
const fronts = [
  { name: 'REST API', front: 'rest', port: values['rest-port'] },
  { name: 'HTTP API', front: 'http', port: values['http-port'] },
];

const children: ChildProcess[] = [];
let stopping = false;
function stop(): void {
  stopping = true;
  for (const child of children) child.kill('SIGTERM');
}

function fail(message: string): void {
  if (stopping) return;
  console.error(`The showcase behind API Gateway can't run: ${message}`);
  process.exitCode = 1;
  stop();
}

/** Resolves when the front end listens. Its output is shown from then on; earlier output is shown only if it fails. */
function start({ name, front, port }: (typeof fronts)[number]): Promise<void> {
  const args = ['offline', '--config', CONFIG, '--param', `front=${front}`, '--httpPort', port];
  const child = spawn(process.execPath, [osls, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return new Promise((ready) => {
    const before: string[] = [];
    let listening = false;
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        if (!listening) before.push(line);
        else if (line.trim() !== '') console.log(`${name}: ${line}`);
        if (!line.startsWith('Server ready:')) return;
        listening = true;
        ready();
      });
    child.on('error', (error) => fail(error.message));
    child.on('close', (code) => {
      const output = before.join('\n');
      if (output.includes('EADDRINUSE'))
        fail(`${HOST}:${port} is already in use; choose another port: npm run start:offline -- --${front}-port 9000`);
      else fail(`the ${name} ended with code ${code}${listening ? '' : `:\n${output}`}`);
    });
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

if (!existsSync(osls)) fail('osls is not installed; run: npm ci');
else if (!existsSync('build/showcase.mjs')) fail('there is no bundle; run: npm run start:offline');
// This is not awaited, because it never resolves if one of them ends first.
else
  void Promise.all(fronts.map(start)).then(() => {
    for (const { name, port } of fronts) console.log(`The showcase behind a local ${name}: http://${HOST}:${port}/`);
    console.log('(Ctrl+C stops it)');
  });
