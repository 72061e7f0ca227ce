import { createHash } from 'node:crypto';
import type { PythonAssets, PythonManifest } from '../interpreter/assets.js';
import { UNPACK } from './lz4.js';
import type { Extension } from './native.js';
import { SCRIPT_NOTICE } from './notice.js';
import { type Part, replaceFiles } from './out-folder.js';
import { JSVERROR, type PyodideFiles } from './pyodide-files.js';

/** The first line of each module that the build writes. */
const WRITTEN_BY = '// Written by wsgi-edge build-python: build it again instead of changing it.\n';

type Helper = { name: string; key: string };

/** Modules that are fields of the assets. */
const OWN_FIELDS = ['jsverror', 'unpack'];

const helperList = (helpers: Helper[]): string =>
  helpers
    .filter(({ name }) => !OWN_FIELDS.includes(name))
    .map(({ name, key }) => `[${JSON.stringify(key)}, ${name}]`)
    .join(', ');

/** "msgpack._cmsgpack.wasm" of "packages/msgpack/_cmsgpack.cpython-314-wasm32-emscripten.so". */
const extensionFile = (path: string): string =>
  `${path
    .replace(/^[^/]+\//, '')
    .replace(/\..*$/, '')
    .replaceAll('/', '.')}.wasm`;

const extensionList = (extensions: Extension[]): string =>
  `const extensions = [${extensions.map(({ path }, index) => `[${JSON.stringify(path)}, extension${index}]`).join(', ')}];`;

/** The assets for Workers. Everything is a static import, because Workers can neither compile nor read files. */
function assetModule(helpers: Helper[], extensions: Extension[], snapshot: boolean): string {
  return `${WRITTEN_BY}import createPyodideModule from './pyodide.asm.mjs';
import wasm from './pyodide.asm.wasm';
${helpers.map(({ name }) => `import ${name} from './${name}.wasm';`).join('\n')}
${extensions.map(({ path }, index) => `import extension${index} from './${extensionFile(path)}';\n`).join('')}import stdlib from './stdlib.zip';
import site from './site.zip';
${snapshot ? "import snapshot from './snapshot.bin';\n" : ''}import manifest from './manifest.mjs';

const helpers = [${helperList(helpers)}];
${extensionList(extensions)}
export default { manifest, createPyodideModule, wasm, helpers, jsverror, unpack, extensions, stdlib, site${snapshot ? ', snapshot' : ''} };
`;
}

/** The assets for Node and Lambda, from the files beside the module. Compilation begins at once, and data that a start may not
 *  need stays in its file. */
function nodeModule(helpers: Helper[], extensions: Extension[], snapshot: boolean): string {
  return `${WRITTEN_BY}import { fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import manifest from './manifest.mjs';

const at = (name) => new URL(name, import.meta.url);
const wasm = WebAssembly.compile(readFileSync(at('pyodide.asm.wasm')));
wasm.catch(() => {}); // the interpreter handles the rejection when it starts
${helpers.map(({ name }) => `const ${name} = new WebAssembly.Module(readFileSync(at('${name}.wasm')));`).join('\n')}
${extensions.map(({ path }, index) => `const extension${index} = new WebAssembly.Module(readFileSync(at('${extensionFile(path)}')));\n`).join('')}
const open = (name) => {
  const file = openSync(at(name));
  return {
    byteLength: fstatSync(file).size,
    read(target, position) {
      for (let done = 0; done < target.length; ) {
        const bytes = readSync(file, target, done, target.length - done, position + done);
        if (bytes === 0) throw new Error(\`\${name} ends before \${position + target.length} bytes\`);
        done += bytes;
      }
    },
  };
};
const stdlib = open('stdlib.zip');
const site = open('site.zip');
${snapshot ? "const snapshot = open('snapshot.bin');\n" : ''}const { default: createPyodideModule } = await import('./pyodide.asm.mjs');

const helpers = [${helperList(helpers)}];
${extensionList(extensions)}
const { url } = import.meta;
export default { manifest, url, createPyodideModule, wasm, helpers, jsverror, unpack, extensions, stdlib, site${snapshot ? ', snapshot' : ''} };
`;
}

function manifestModule(manifest: PythonManifest): string {
  return `${WRITTEN_BY}export default ${JSON.stringify(manifest)};\n`;
}

const typesModule = `${WRITTEN_BY}import type { PythonAssets } from 'wsgi-edge/python';

declare const assets: PythonAssets;
export default assets;
`;

/** The rules by which wrangler imports the assets. */
const rules = `# For wrangler.toml: wrangler imports the files of the Python assets by these rules.
[[rules]]
type = "Data"
globs = ["**/*.bin", "**/*.zip"]
fallthrough = true

[[rules]]
type = "CompiledWasm"
globs = ["**/*.wasm"]
fallthrough = true
`;

/** A file of the assets: its size in bytes, and its SHA-256 in hexadecimal. */
export interface WrittenFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** The platform of the assets: only Workers, only Lambda and Node, or both. */
export type Target = 'worker' | 'node' | 'all';

/** The files of the assets.
 *  @param notice  the text of the file NOTICE
 *  @param wrangler  more lines for wrangler.toml */
export function partsOf(
  assets: PythonAssets,
  pyodide: PyodideFiles,
  extensions: Extension[],
  notice: string,
  target: Target,
  wrangler = '',
): Part[] {
  const helpers = [
    ...pyodide.helpers,
    { name: 'jsverror', key: 'jsverror', bytes: JSVERROR },
    { name: 'unpack', key: 'unpack', bytes: UNPACK },
  ];
  const snapshot = assets.snapshot as Uint8Array | undefined;
  const ofWorker: Part[] = [
    ['assets.mjs', assetModule(helpers, extensions, snapshot !== undefined)],
    ['assets.d.mts', typesModule],
    ['wrangler-rules.toml', wrangler === '' ? rules : `${rules}\n${wrangler}`],
  ];
  const ofNode: Part[] = [
    ['node.mjs', nodeModule(helpers, extensions, snapshot !== undefined)],
    ['node.d.mts', typesModule],
  ];
  return [
    ['pyodide.asm.mjs', SCRIPT_NOTICE + pyodide.asm],
    ['pyodide.asm.wasm', pyodide.wasm],
    ...helpers.map(({ name, bytes }): Part => [`${name}.wasm`, bytes]),
    ...extensions.map(({ path, bytes }): Part => [extensionFile(path), bytes]),
    ['stdlib.zip', assets.stdlib as Uint8Array],
    ['site.zip', assets.site as Uint8Array],
    ...(snapshot === undefined ? [] : [['snapshot.bin', snapshot] satisfies Part]),
    ['manifest.mjs', manifestModule(assets.manifest)],
    ...(target === 'node' ? [] : ofWorker),
    ...(target === 'worker' ? [] : ofNode),
    ['NOTICE', notice],
  ];
}

/** The bytes of the files that a Worker imports. */
export const workerSize = (parts: Part[]): number =>
  parts
    .filter(([name]) => /\.(mjs|wasm|zip|bin)$/.test(name) && name !== 'node.mjs')
    .reduce((sum, [, data]) => sum + Buffer.byteLength(data), 0);

/** Writes the assets into a folder, and deletes the assets of an earlier build there.
 *  @param statics  static files beside the assets */
export function writeAssets(out: string, parts: Part[], statics: Part[] = []): WrittenFile[] {
  replaceFiles(out, [...parts, ...statics]);
  return parts.map(([name, data]) => ({
    name,
    bytes: Buffer.byteLength(data),
    sha256: createHash('sha256').update(data).digest('hex'),
  }));
}
