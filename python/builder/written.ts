import type { PythonManifest } from '../interpreter/assets.js';

const NOTICE = '// Written by wsgi-edge build-python: build it again instead of changing it.\n';

type Helper = { name: string; key: string };

const helperList = (helpers: Helper[]): string =>
  helpers
    .filter(({ name }) => name !== 'jsverror')
    .map(({ name, key }) => `[${JSON.stringify(key)}, ${name}]`)
    .join(', ');

/** The assets for Workers: everything is a static import, as nothing may be compiled or read there. */
export function assetModule(helpers: Helper[], snapshot: boolean): string {
  return `${NOTICE}import createPyodideModule from './pyodide.asm.mjs';
import wasm from './pyodide.asm.wasm';
${helpers.map(({ name }) => `import ${name} from './${name}.wasm';`).join('\n')}
import stdlib from './stdlib.zip';
import site from './site.zip';
${snapshot ? "import snapshot from './snapshot.bin';\n" : ''}import manifest from './manifest.mjs';

const helpers = [${helperList(helpers)}];
export default { manifest, createPyodideModule, wasm, helpers, jsverror, stdlib, site${snapshot ? ', snapshot' : ''} };
`;
}

/** The assets for Node and Lambda, from the files beside the module. What takes time is begun at once, and what a start may
 *  not need is left in its file. */
export function nodeModule(helpers: Helper[], snapshot: boolean): string {
  return `${NOTICE}import { fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import manifest from './manifest.mjs';

const at = (name) => new URL(name, import.meta.url);
const wasm = WebAssembly.compile(readFileSync(at('pyodide.asm.wasm')));
wasm.catch(() => {}); // it is told to who waits for it
${helpers.map(({ name }) => `const ${name} = new WebAssembly.Module(readFileSync(at('${name}.wasm')));`).join('\n')}

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
export default { manifest, createPyodideModule, wasm, helpers, jsverror, stdlib, site${snapshot ? ', snapshot' : ''} };
`;
}

export function manifestModule(manifest: PythonManifest): string {
  return `${NOTICE}export default ${JSON.stringify(manifest)};\n`;
}

export const typesModule = `${NOTICE}import type { PythonAssets } from 'wsgi-edge/python';

declare const assets: PythonAssets;
export default assets;
`;

/** What wrangler.toml needs for the assets. */
export const rules = `# For wrangler.toml: how the files of the Python assets are imported.
[[rules]]
type = "Data"
globs = ["**/*.bin", "**/*.zip"]
fallthrough = true

[[rules]]
type = "CompiledWasm"
globs = ["**/*.wasm"]
fallthrough = true
`;
