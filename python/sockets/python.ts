import type { Booted } from '../interpreter/boot.js';
import type { Open } from './connection.js';
import { installSockets } from './sockets.js';

/** Gives Python sockets, and returns a function that closes all of them.
 *  @param open  undefined if Python has none */
export function connectSockets({ python, module }: Booted, open: Open | undefined): () => void {
  const half = python.pyimport('wsgi_edge.sockets');
  if (open === undefined) {
    half.without?.();
    return () => {};
  }
  const { failure, startTls, close } = installSockets(module, open, () => module.turn?.request);
  half.connect?.(failure, startTls);
  return close;
}
