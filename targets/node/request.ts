import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Connection } from '../../src/connection.js';
import { createEnviron, setInput, setPeer, setServer, setTarget } from '../../src/environ.js';
import { BodyTooLarge, ClientDisconnected } from '../../src/errors.js';
import type { Gateway } from '../../src/gateway.js';
import { addRequestHeader } from '../../src/headers.js';
import type { InputSource } from '../../src/input-stream.js';
import type { Environ } from '../../src/types.js';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Makes the environ of a Node request.
 *  @param res  is told to close the connection if the body is too long to be taken in */
export function nodeEnviron(req: Request, res: Response, gateway: Gateway, connection: Connection): Environ {
  const { socket, method = 'GET', url = '/' } = req;
  const { authority, target } = splitTarget(url);
  const line = { method, path: '', query: '', protocol: `HTTP/${req.httpVersion}` };
  const environ = createEnviron(line, gateway, connection);
  const host = authority ?? req.headers[':authority']?.toString();
  addHeaders(environ, req, authority, host !== undefined);
  setTarget(environ, target, url);
  const scheme = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  setPeer(environ, connection, scheme, socket.remoteAddress);
  const { localAddress = 'localhost', localPort, remotePort } = socket;
  setServer(environ, host ?? req.headers.host ?? '', hostOf(localAddress), localPort?.toString());
  setInput(environ, new RequestSource(req, res), gateway.maxBody);
  if (remotePort !== undefined) environ.REMOTE_PORT = String(remotePort);
  environ['node.req'] = req;
  return environ;
}

// The authority of an absolute target replaces the Host header (RFC 9112, section 3.2.2), and so does HTTP/2's `:authority`
// (RFC 9113, section 8.3.1).
function addHeaders(environ: Environ, req: Request, authority: string | undefined, addressed: boolean): void {
  const { rawHeaders } = req;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    if (addressed && name.toLowerCase() === 'host') continue;
    if (name === ':authority') addRequestHeader(environ, 'host', value);
    else if (name[0] !== ':') addRequestHeader(environ, name, value);
  }
  if (authority !== undefined) addRequestHeader(environ, 'host', authority);
}

// A host that is an IPv6 address stands in brackets, without its zone (RFC 3875, section 4.1.14).
function hostOf(address: string): string {
  return address.includes(':') ? `[${address.split('%', 1)[0]}]` : address;
}

// The absolute form, "GET http://h/p", carries an authority of its own (RFC 9112, section 3.2.2). Its scheme does not count,
// because the request came here; the user in it does not belong to the host (RFC 9110, section 4.2.4).
function splitTarget(url: string): { authority: string | undefined; target: string } {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/is.exec(url);
  const target = (match?.[2] ?? url).split('#', 1)[0] ?? '';
  if (match === null) return { authority: undefined, target };
  return { authority: match[1], target: target.startsWith('/') ? target : `/${target}` };
}

/** The body of a Node request. A partly read body would block the next request on this connection, so the rest is discarded
 *  once the response is sent; Node itself discards a body that nobody has touched. */
class RequestSource implements InputSource {
  readonly #req: Request;
  readonly #res: Response;
  #chunks: AsyncIterator<Uint8Array> | undefined;

  constructor(req: Request, res: Response) {
    this.#req = req;
    this.#res = res;
  }

  async pull(): Promise<Uint8Array | null> {
    this.#chunks ??= this.#open();
    try {
      const { done, value } = await this.#chunks.next();
      return done ? null : value;
    } catch (cause) {
      throw new ClientDisconnected('client: the request body broke off', { cause });
    }
  }

  async cancel(reason: unknown): Promise<void> {
    if (reason instanceof BodyTooLarge) return closeAfter(this.#res);
    await this.#chunks?.return?.();
    this.#req.resume();
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.pull();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: (reason) => this.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  #open(): AsyncIterator<Uint8Array> {
    this.#res.on('finish', () => void this.cancel(undefined).catch(() => {}));
    // The end of the iteration must not destroy the socket: the response goes out on it.
    return this.#req.iterator({ destroyOnReturn: false });
  }
}

// The client may go on sending for as long as it likes: nobody listens any more once the response has gone out.
function closeAfter(res: Response): void {
  if ('stream' in res) res.stream.once('finish', () => res.stream.close());
  else res.shouldKeepAlive = false;
}
