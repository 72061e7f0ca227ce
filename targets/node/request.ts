import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { createEnviron } from '../../src/environ.js';
import { ClientDisconnected } from '../../src/errors.js';
import type { Gateway } from '../../src/gateway.js';
import { loggedWaitUntil } from '../../src/gateway.js';
import type { InputSource } from '../../src/input-stream.js';
import { percentDecode } from '../../src/native-string.js';
import type { Environ } from '../../src/types.js';

/** Makes the environ of a Node request. */
export function nodeEnviron(req: IncomingMessage | Http2ServerRequest, gateway: Gateway, signal: AbortSignal): Environ {
  const { socket, rawHeaders } = req;
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const { authority, target } = splitTarget(req.url ?? '/');
  const mark = target.indexOf('?');
  const environ = createEnviron({
    method: req.method ?? 'GET',
    path: percentDecode(mark < 0 ? target : target.slice(0, mark)),
    query: mark < 0 ? '' : target.slice(mark + 1),
    rawUri: req.url,
    scheme: encrypted ? 'https' : 'http',
    host: authority ?? req.headers[':authority']?.toString() ?? req.headers.host ?? '',
    fallbackHost: hostOf(socket.localAddress ?? 'localhost'),
    ...(socket.localPort === undefined ? {} : { fallbackPort: String(socket.localPort) }),
    protocol: `HTTP/${req.httpVersion}`,
    remoteAddr: socket.remoteAddress,
    eachHeader(add) {
      for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
        const name = rawHeaders[i] ?? '';
        const value = rawHeaders[i + 1] ?? '';
        // RFC 9112, section 3.2.2: the authority of an absolute target goes before the Host header.
        if (authority !== undefined && name.toLowerCase() === 'host') continue;
        // HTTP/2: `:authority` is what Host is in HTTP/1.1 (RFC 9113, section 8.3.1).
        if (name === ':authority') add('host', value);
        else if (name[0] !== ':') add(name, value);
      }
      if (authority !== undefined) add('host', authority);
    },
    body: requestSource(req),
    signal,
    waitUntil: loggedWaitUntil(gateway, undefined),
    errors: gateway.errors,
  });
  if (socket.remotePort !== undefined) environ.REMOTE_PORT = String(socket.remotePort);
  environ['node.req'] = req;
  return environ;
}

// An IPv6 address stands in brackets, and without its zone, where a host is meant (RFC 3875, section 4.1.14).
function hostOf(address: string): string {
  return address.includes(':') ? `[${address.split('%', 1)[0]}]` : address;
}

// The absolute form, "GET http://h/p", carries an authority of its own (RFC 9112, section 3.2.2). Whatever its scheme,
// the request came here. The user in it is no part of the host (RFC 9110, section 4.2.4).
function splitTarget(url: string): { authority: string | undefined; target: string } {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/is.exec(url);
  const target = (match?.[2] ?? url).split('#', 1)[0] ?? '';
  if (match === null) return { authority: undefined, target };
  return { authority: match[1], target: target.startsWith('/') ? target : `/${target}` };
}

function requestSource(req: IncomingMessage | Http2ServerRequest): InputSource {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  return {
    async pull() {
      chunks ??= req[Symbol.asyncIterator]();
      try {
        const { done, value } = await chunks.next();
        return done ? null : value;
      } catch (cause) {
        throw new ClientDisconnected('client: the request body broke off', { cause });
      }
    },
    async cancel() {
      // Not destroyed: the response goes out on the same socket. Node drops what nobody reads.
      req.resume();
    },
    // `node:stream/web` and the global ReadableStream are one class with two declarations.
    stream: () => Readable.toWeb(req) as NodeReadableStream<Uint8Array> as ReadableStream<Uint8Array>,
  };
}
