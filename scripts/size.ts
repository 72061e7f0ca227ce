// Prints what each target costs its user: gzip bytes of a bundled hello-world, and the time that the import of each
// subpath takes in a fresh Node process (median of several).
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROUNDS = 7;
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

console.log(`\n| import in a fresh Node ${process.version} | ms, median of ${ROUNDS} |`);
console.log('|---|---|');
for (const subpath of subpaths) {
  const name = `wsgi-edge${subpath.slice(1)}`;
  const code = `const t = performance.now(); await import('${name}'); console.log(performance.now() - t)`;
  const times = Array.from({ length: ROUNDS }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`import of ${name} failed: ${stderr}`);
    return Number(stdout);
  }).sort((a, b) => a - b);
  console.log(`| ${name} | ${times[ROUNDS >> 1]?.toFixed(1)} |`);
}
