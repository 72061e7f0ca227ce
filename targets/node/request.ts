import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Connection } from '../../src/connection.js';
import { createEnviron, setInput, setPeer, setRequestId, setServer, setTarget } from '../../src/environ.js';
import type { Gateway } from '../../src/gateway.js';
import { addRequestHeader } from '../../src/headers.js';
import type { Environ } from '../../src/types.js';
import { RequestBody } from './request-body.js';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Makes the environ of a Node request.
 *  @param res  is told to close the connection if the body is too long to be taken in */
export function nodeEnviron(req: Request, res: Response, gateway: Gateway, connection: Connection): Environ {
  const { socket, method = 'GET', url = '/' } = req;
  const { authority, target } = splitTarget(url);
  const line = { method, path: '', query: '', protocol: `HTTP/${req.httpVersion}` };
  const environ = createEnviron(line, connection);
  const host = authority ?? req.headers[':authority']?.toString();
  addHeaders(environ, req, authority, host !== undefined);
  setRequestId(environ, gateway);
  setTarget(environ, target, url);
  const scheme = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  setPeer(environ, connection, scheme, socket.remoteAddress);
  const { localAddress = 'localhost', localPort, remotePort } = socket;
  setServer(environ, host ?? req.headers.host ?? '', hostOf(localAddress), localPort?.toString());
  setInput(environ, new RequestBody(req, res), gateway.maxBody);
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

// The absolute form, "GET http://h/p", contains an authority (RFC 9112, section 3.2.2). Its scheme is ignored, because
// the request came to this server. A user in it is not part of the host (RFC 9110, section 4.2.4).
function splitTarget(url: string): { authority: string | undefined; target: string } {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/is.exec(url);
  const target = (match?.[2] ?? url).split('#', 1)[0] ?? '';
  if (match === null) return { authority: undefined, target };
  return { authority: match[1], target: target.startsWith('/') ? target : `/${target}` };
}
