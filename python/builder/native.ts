import type { Collected, Dropped } from './collect.js';

/** Matches native libraries, also those with a version: libpq.so.5.17. */
export const BINARY = /\.(so(\.\d+)*|pyd|dylib|dll|a|o|exe)$/;
/** The reason why they are left out. */
export const NATIVE = 'native libraries (.so …), which can not run';

/** "lib._speedups" of "packages/lib/_speedups.cpython-314-x86_64-linux-gnu.so". */
const MODULE = /^(?:packages\/)?((?:\w+\/)*\w+)(?:\.[\w-]+)?\.(?:so|pyd)$/;

/** Lists the extension modules among the dropped files in a file for wsgi_edge/native.py, which repeats their names when they are
 *  imported. There is no file if there are none. */
export function listNative(dropped: Dropped): Collected[] {
  const lines = (dropped.get(NATIVE) ?? []).flatMap((path) => {
    const [, module] = MODULE.exec(path) ?? [];
    return module === undefined ? [] : [`${module.replaceAll('/', '.')} ${path}\n`];
  });
  return lines.length === 0 ? [] : [{ path: 'packages/wsgi_edge/dropped.txt', bytes: Buffer.from(lines.join('')) }];
}
