import { FORMAT, PYODIDE_VERSION, type PythonAssets, type PythonManifest, signOf } from '../interpreter/assets.js';
import { writeZip, type ZipFile } from './zip-writer.js';

/** The compiled parts of Pyodide. */
export type Engine = Pick<PythonAssets, 'createPyodideModule' | 'wasm' | 'helpers' | 'jsverror' | 'unpack'>;

/** Returns assets with nothing in the site zip yet. */
export function bareAssets(
  engine: Engine,
  stdlib: Uint8Array,
  { application = '', env = {}, concurrent = false }: Partial<PythonManifest> = {},
): PythonAssets {
  const site = new Uint8Array();
  const files = { stdlib: signOf(stdlib), site: signOf(site) };
  return {
    ...engine,
    manifest: { format: FORMAT, pyodide: PYODIDE_VERSION, application, env, concurrent, files },
    stdlib,
    site,
  };
}

/** Returns assets with other files in their site zip.
 *  @param compress  false is faster */
export function withSite(assets: PythonAssets, files: ZipFile[], compress = true): PythonAssets {
  const site = writeZip(files, compress);
  return { ...assets, site, manifest: { ...assets.manifest, files: { ...assets.manifest.files, site: signOf(site) } } };
}
