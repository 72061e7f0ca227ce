import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createEnviron, type RequestFields } from '../../src/environ.js';
import { BodyTooLarge, ClientDisconnected } from '../../src/errors.js';
import type { Gateway } from '../../src/gateway.js';
import type { InputSource } from '../../src/input-stream.js';
import { percentDecode } from '../../src/native-string.js';
import type { Environ } from '../../src/types.js';

/** What the environ of a Node request needs beside the request. */
interface NodeContext extends Pick<RequestFields, 'body' | 'signal' | 'waitUntil'> {
  gateway: Gateway;
}

/** Makes the environ of a Node request. */
export function nodeEnviron(
  req: IncomingMessage | Http2ServerRequest,
  { body, signal, waitUntil, gateway }: NodeContext,
): Environ {
  const { socket, rawHeaders } = req;
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const { authority, target } = splitTarget(req.url ?? '/');
  const addressed = authority !== undefined || req.headers[':authority'] !== undefined;
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
        // The authority of an absolute target goes before the Host header (RFC 9112, section 3.2.2), and so does HTTP/2's
        // `:authority` (RFC 9113, section 8.3.1).
        if (addressed && name.toLowerCase() === 'host') continue;
        if (name === ':authority') add('host', value);
        else if (name[0] !== ':') add(name, value);
      }
      if (authority !== undefined) add('host', authority);
    },
    body,
    maxBody: gateway.maxBody,
    signal,
    waitUntil,
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

/** The body of a Node request. What is left of one that somebody has begun to read would hold back the next request of the
 *  connection: it is dropped when the response has gone out. Of one that nobody has touched, Node does so itself.
 *  @param res  is told to close the connection where the body is too long to be taken in */
export function requestSource(
  req: IncomingMessage | Http2ServerRequest,
  res: ServerResponse | Http2ServerResponse,
): InputSource {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  const open = (): AsyncIterator<Uint8Array> => {
    res.on('finish', () => void source.cancel(undefined).catch(() => {}));
    // Not destroyed by an end of the iteration: the response goes out on the same socket.
    return req.iterator({ destroyOnReturn: false });
  };
  const source: InputSource = {
    async pull() {
      chunks ??= open();
      try {
        const { done, value } = await chunks.next();
        return done ? null : value;
      } catch (cause) {
        throw new ClientDisconnected('client: the request body broke off', { cause });
      }
    },
    async cancel(reason) {
      if (reason instanceof BodyTooLarge) return closeAfter(res);
      await chunks?.return?.();
      req.resume();
    },
    stream: () =>
      new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const chunk = await source.pull();
            if (chunk === null) controller.close();
            else controller.enqueue(chunk);
          },
          cancel: (reason) => source.cancel(reason),
        },
        { highWaterMark: 0 },
      ),
  };
  return source;
}

// The client may go on sending for as long as it likes: nobody listens any more once the response has gone out.
function closeAfter(res: ServerResponse | Http2ServerResponse): void {
  if ('stream' in res) res.stream.once('finish', () => res.stream.close());
  else res.shouldKeepAlive = false;
}
