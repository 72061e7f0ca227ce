import type { WsgiError } from '../src/errors.js';
import { type Bridge, createBridge } from './bridge/bridge.js';
import { definedIn } from './environment.js';
import type { PythonAssets } from './interpreter/assets.js';
import { bootPython } from './interpreter/boot.js';
import type { Settings } from './options.js';
import { mountFiles } from './storage/index.js';
import { startThread } from './threads/remote.js';

/** Returns a function that starts an interpreter, in a worker thread if the settings say so.
 *  @throws {WsgiError} (the function, as a rejection) when the assets do not fit this package or one another */
export function createStarter(given: PythonAssets, settings: Settings) {
  const { workers, jspi, freeSnapshot, env, files, sockets, open } = settings;
  let assets = given;

  const startHere = async (onFatal: (error: WsgiError) => void): Promise<Bridge> => {
    const booted = await bootPython(assets);
    const { manifest, snapshot } = assets;
    if (freeSnapshot && snapshot !== undefined && !('read' in snapshot)) {
      assets = withoutSnapshot(assets);
      free(snapshot);
    }
    const release = mountFiles(booted.module.FS, files);
    const bridge = createBridge(booted, manifest, jspi, open, onFatal);
    const { stop } = bridge;
    return Object.assign(bridge, {
      stop() {
        stop();
        release();
      },
    });
  };

  /** @param onFatal  called when the interpreter is lost */
  return async (onFatal: (error: WsgiError) => void): Promise<Bridge> => {
    const bridge = await (workers === 0
      ? startHere(onFatal)
      : startThread(given.url as string, { jspi, files, sockets }, onFatal));
    bridge.setEnvironment(definedIn(env));
    return bridge;
  };
}

function withoutSnapshot({ snapshot: _, ...assets }: PythonAssets): PythonAssets {
  const { snapshot: __, ...manifest } = assets.manifest;
  const { snapshot: ___, ...files } = manifest.files;
  return { ...assets, manifest: { ...manifest, files } };
}

function free(snapshot: ArrayBuffer | Uint8Array): void {
  const buffer = snapshot instanceof Uint8Array ? snapshot.buffer : snapshot;
  (buffer as { transfer?(length: number): unknown }).transfer?.(0);
}
