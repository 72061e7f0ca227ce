import type { Connection } from '../connection.js';
import { createEnviron, setInput, setServer } from '../environ.js';
import type { Gateway } from '../gateway.js';
import { addRequestHeader } from '../headers.js';
import { type InputSource, streamSource } from '../input-stream.js';
import { encodeNative, percentDecode } from '../native-string.js';
import type { Environ } from '../types.js';
import { fromPlatform } from './text-headers.js';

/** Makes the environ of a Fetch API request.
 *  @param framed  whether the platform ends the body at its Content-Length, so that it may be read in one step */
export function fetchEnviron(
  request: Request,
  gateway: Gateway,
  connection: Connection,
  protocol: string,
  remoteAddr: string | undefined,
  framed = false,
): Environ {
  const { headers, url } = request;
  const { scheme, authority, target } = splitUrl(url, headers.get('host'));
  const rawUri = encodeNative(target);
  const mark = rawUri.indexOf('?');
  const environ = createEnviron(
    {
      method: request.method,
      path: percentDecode(mark < 0 ? rawUri : rawUri.slice(0, mark)),
      query: mark < 0 ? '' : rawUri.slice(mark + 1),
      rawUri,
      scheme,
      protocol,
      remoteAddr,
    },
    gateway,
    connection,
  );
  headers.forEach((value, name) => {
    addRequestHeader(environ, name, fromPlatform(name === 'cookie' ? separateCookies(value) : value));
  });
  setServer(environ, encodeNative(authority), 'localhost');
  setInput(environ, requestSource(request, framed && mayReadAll(environ, gateway)), gateway.maxBody);
  return environ;
}

// Admission has held the length against `maxBody`; a body without a length must be held against it while it is read.
const mayReadAll = ({ CONTENT_LENGTH: length }: Environ, { maxBody }: Gateway): boolean =>
  length !== undefined || maxBody === Number.POSITIVE_INFINITY;

function requestSource(request: Request, readAll: boolean): InputSource {
  const stream = () => request.body;
  if (!readAll) return streamSource(stream);
  return streamSource(stream, () => {
    const { body } = request;
    // If somebody else has begun to read, the reader of the stream says so.
    return body === null || body.locked || request.bodyUsed ? undefined : request.arrayBuffer();
  });
}

// `new URL` would resolve dot segments and turn "\" into "/", where the platform has kept them. workerd builds the URL
// from scheme, Host header and target: a Host with a "/" in it must not add to the path.
function splitUrl(url: string, host: string | null): { scheme: string; authority: string; target: string } {
  const from = url.indexOf('://') + 3;
  const scheme = url.slice(0, from - 3);
  if (host && url.startsWith(host, from) && /^([/?#]|\*?$)/.test(url.slice(from + host.length)))
    return { scheme, authority: host, target: toTarget(url.slice(from + host.length)) };
  const end = url.slice(from).search(/[/?#]|$/) + from;
  const authority = url.slice(from, end);
  return { scheme, authority: authority.slice(authority.lastIndexOf('@') + 1), target: toTarget(url.slice(end)) };
}

// workerd puts the target of `OPTIONS *` behind the host as it is.
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
