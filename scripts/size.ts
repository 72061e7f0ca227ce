// Prints the costs of each target for its user: gzip bytes of a bundled hello-world, and the time that the import of each
// subpath takes in a fresh Node process, compared with an empty file.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROUNDS = 15;
const HELLO = `const app = (environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode('Hello, world!\\n')];
};`;

const entries: Record<string, string> = {
  'wsgi-edge/cloudflare': `import { toCloudflareHandler as to } from 'wsgi-edge/cloudflare'; ${HELLO} export default to(app);`,
  'wsgi-edge/aws-lambda, buffered': `import { toLambdaHandler as to } from 'wsgi-edge/aws-lambda'; ${HELLO} export const handler = to(app);`,
  'wsgi-edge/aws-lambda, streaming': `import { toLambdaStreamHandler as to } from 'wsgi-edge/aws-lambda'; ${HELLO} export const handler = to(app);`,
  'wsgi-edge/node': `import { serve } from 'wsgi-edge/node'; ${HELLO} serve(app);`,
};

console.log('| hello-world bundled for | minified, bytes | gzip, bytes | modules from other packages |');
console.log('|---|---|---|---|');
for (const [name, contents] of Object.entries(entries)) {
  const result = await build({
    stdin: { contents, resolveDir: '.', loader: 'js' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: name.endsWith('cloudflare') ? 'browser' : 'node',
    write: false,
    metafile: true,
  });
  const bytes = result.outputFiles[0]?.contents ?? new Uint8Array();
  const foreign = Object.keys(result.metafile.inputs).filter((path) => path.includes('node_modules')).length;
  console.log(`| ${name} | ${bytes.length} | ${gzipSync(bytes, { level: 9 }).length} | ${foreign} |`);
}

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
const subpaths = Object.keys(exports).filter((path) => path !== './package.json');
const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-size-'));
const empty = join(folder, 'empty.mjs');
writeFileSync(empty, '');
const imports = new Map([['an empty file', empty]]);
for (const name of subpaths.map((path) => `wsgi-edge${path.slice(1)}`)) imports.set(name, name);

const times = new Map([...imports.keys()].map((name) => [name, [] as number[]]));
// The imports are measured in turns, because the load of the machine changes.
for (let round = 0; round < ROUNDS; round++)
  for (const [name, specifier] of imports) {
    const code = `const t = performance.now(); await import('${specifier}'); console.log(performance.now() - t)`;
    const args = ['--input-type=module', '-e', code];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`import of ${name} failed: ${stderr}`);
    times.get(name)?.push(Number(stdout));
  }
rmSync(folder, { recursive: true });

console.log(`\n| import in a fresh Node ${process.version} | ms, median of ${ROUNDS} | ms, fastest |`);
console.log('|---|---|---|');
for (const [name, measured] of times) {
  measured.sort((a, b) => a - b);
  console.log(`| ${name} | ${measured[ROUNDS >> 1]?.toFixed(1)} | ${measured[0]?.toFixed(1)} |`);
}
