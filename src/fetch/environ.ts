import type { Connection } from '../connection.js';
import { createEnviron, setInput, setPeer, setServer, setTarget } from '../environ.js';
import type { ClientDisconnected } from '../errors.js';
import type { Gateway } from '../gateway.js';
import { addRequestHeader, setRequestHeader } from '../headers.js';
import { type InputSource, streamSource } from '../input-stream.js';
import { encodeNative } from '../native-string.js';
import type { Environ } from '../types.js';
import { fromPlatform } from './text-headers.js';

/** Makes the environ of a Fetch API request.
 *  @param remoteAddr  returns the client's address after the headers have been added
 *  @param framed  whether the platform ends the body at its Content-Length, so that it may be read in one step */
export function fetchEnviron(
  request: Request,
  gateway: Gateway,
  connection: Connection,
  protocol: string,
  remoteAddr: (environ: Environ) => string | undefined,
  framed = false,
): FetchEnviron {
  const { headers, url, method } = request;
  const from = url.indexOf('://') + 3;
  const scheme = url.slice(0, from - 3);
  const environ = createEnviron({ method, path: '', query: '', protocol }, gateway, connection);
  let transferEncoding: string | undefined;
  // Each lookup in workerd's Headers costs as much as two headers here.
  headers.forEach((value, name) => {
    if (name === 'transfer-encoding') transferEncoding = value;
    // The only header that comes line by line.
    if (name === 'set-cookie') addRequestHeader(environ, name, fromPlatform(value));
    else setRequestHeader(environ, name, fromPlatform(name === 'cookie' ? separateCookies(value) : value));
  });
  const { authority, target } = splitUrl(url, from, environ.HTTP_HOST);
  setTarget(environ, encodeNative(target));
  setPeer(environ, connection, scheme, remoteAddr(environ));
  setServer(environ, encodeNative(authority), 'localhost');
  setInput(environ, requestSource(request, connection, framed && mayReadAll(environ, gateway)), gateway.maxBody);
  return { environ, transferEncoding };
}

/** An environ, and the header that is not in it. */
interface FetchEnviron {
  environ: Environ;
  transferEncoding: string | undefined;
}

// Admission has compared Content-Length with `maxBody`. A body without a length is compared while it is read.
const mayReadAll = ({ CONTENT_LENGTH: length }: Environ, { maxBody }: Gateway): boolean =>
  length !== undefined || maxBody === Number.POSITIVE_INFINITY;

function requestSource(request: Request, connection: Connection, readAll: boolean): InputSource {
  const all = () => {
    const { body } = request;
    // If somebody else has begun to read, getReader() throws.
    return body === null || body.locked || request.bodyUsed ? undefined : request.arrayBuffer();
  };
  const onBroken = (error: ClientDisconnected) => {
    if (saysGone(error.cause)) connection.abort(error);
  };
  return streamSource(() => request.body, readAll ? all : undefined, onBroken);
}

// workerd's error of a body whose client has left. After malformed chunks, whose client waits for an answer, it is another.
const saysGone = (cause: unknown): boolean =>
  cause instanceof Error && cause.message === "Can't read from request stream because client disconnected.";

// `new URL` would resolve dot segments and turn "\" into "/", although the platform has kept them. workerd builds the URL
// from scheme, Host header and target: a Host with a "/" in it must not add to the path.
function splitUrl(url: string, from: number, host: string | undefined): { authority: string; target: string } {
  if (host && url.startsWith(host, from)) {
    const rest = url.slice(from + host.length);
    if (/^([/?#]|\*?$)/.test(rest)) return { authority: host, target: toTarget(rest) };
  }
  const end = url.slice(from).search(/[/?#]|$/) + from;
  const authority = url.slice(from, end);
  return { authority: authority.slice(authority.lastIndexOf('@') + 1), target: toTarget(url.slice(end)) };
}

// workerd appends the target of `OPTIONS *` to the host unchanged.
function toTarget(rest: string): string {
  if (rest === '*') return rest;
  const hash = rest.indexOf('#');
  const target = hash < 0 ? rest : rest.slice(0, hash);
  return target.startsWith('/') ? target : `/${target}`;
}

// workerd joins several Cookie headers with ", ", which would make one cookie of two (RFC 9113, section 8.2.3).
function separateCookies(value: string): string {
  return value.replace(/, (?=[^\s;,="]+=)/g, '; ');
}
