import { WsgiError } from '../../src/errors.js';
import { inNode } from '../interpreter/boot.js';
import { type Open, SocketError } from './connection.js';
import { openOnNode } from './node.js';
import { type Connect, openOnWorkers } from './platform.js';

/** The sockets of Python. */
export type SocketOptions =
  /** No sockets. */
  | false
  /** `connect` of `cloudflare:sockets`, on Workers. */
  | Connect
  | {
      connect?: Connect;
      /** Tells whether Python may connect to a host, which has the name that Python has given, and a port. */
      allow?(host: string, port: number): boolean | Promise<boolean>;
    };

/** Returns the function that opens connections; undefined if Python has no sockets.
 *  @throws {WsgiError} on a wrong option */
export function openerOf(sockets: SocketOptions | undefined): Open | undefined {
  if (sockets === false) return undefined;
  const { connect, allow } = typeof sockets === 'function' ? { connect: sockets, allow: undefined } : (sockets ?? {});
  const known = sockets === undefined || typeof sockets === 'function' || typeof sockets === 'object';
  if (!known || ![connect, allow].every((each) => each === undefined || typeof each === 'function'))
    throw new WsgiError('python: sockets must be false, connect of cloudflare:sockets, or { connect, allow }');
  if (connect === undefined && !inNode()) {
    if (sockets === undefined) return undefined;
    throw new WsgiError('python: sockets need connect of cloudflare:sockets on Workers: give { connect, allow }');
  }
  const open = connect === undefined ? openOnNode : openOnWorkers(connect);
  if (allow === undefined) return open;
  return async (host, port) => {
    if (await allow(host, port)) return open(host, port);
    throw new SocketError('EACCES', `sockets.allow of fromPython refuses ${host}:${port}`);
  };
}
