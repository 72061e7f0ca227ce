// Application Load Balancers, with single or with multi-value maps.
import type { Connection } from '../../../src/connection.js';
import { createEnviron, setPeer } from '../../../src/environ.js';
import type { Gateway } from '../../../src/gateway.js';
import { percentDecode } from '../../../src/native-string.js';
import type { Environ, HeaderList } from '../../../src/types.js';
import { splitAuthority } from '../../../src/url.js';
import { addressOf, methodOf, pathOf, setBody, setHost, setUri, uriOf } from '../read/fields.js';
import { addHeaders, lastEntry } from '../read/headers.js';
import { verbatimQuery } from '../read/query.js';
import type { AlbEvent, AlbResult } from '../types.js';
import { define, listedHeaders, spelledHeaders } from '../write/headers.js';
import { statusDescription } from '../write/status.js';
import { type FrontEnd, MB } from './front-end.js';

/** A load balancer decodes nothing. It appends the client's address to X-Forwarded-For; a health check has neither
 *  that nor a Host. */
function readEvent(event: AlbEvent, gateway: Gateway, connection: Connection): Environ {
  const path = pathOf(event.path);
  const query = verbatimQuery(event.multiValueQueryStringParameters, event.queryStringParameters);
  const line = { method: methodOf(event.httpMethod), path: percentDecode(path), query, protocol: 'HTTP/1.1' };
  const environ = createEnviron(line, connection);
  addHeaders(environ, event.multiValueHeaders, event.headers);
  const scheme = lastEntry(environ.HTTP_X_FORWARDED_PROTO) === 'https' ? 'https' : 'http';
  setUri(environ, uriOf(path, query));
  setPeer(environ, connection, scheme, addressOf(lastEntry(environ.HTTP_X_FORWARDED_FOR)));
  const port = splitAuthority(`h:${lastEntry(environ.HTTP_X_FORWARDED_PORT)}`)?.port;
  setHost(environ, undefined, port);
  setBody(environ, event.body, event.isBase64Encoded, gateway);
  return environ;
}

// A load balancer reads only one of the two forms of headers, as its target group is configured.
function resultOf(multi: boolean): FrontEnd<'alb-multi'>['result'] {
  return (head, { body, isBase64Encoded }): AlbResult => {
    const described = { statusCode: head.code, ...statusDescription(head) };
    return multi
      ? { ...described, multiValueHeaders: lists(head.headers), body, isBase64Encoded }
      : { ...described, headers: spelledHeaders(head.headers), body, isBase64Encoded };
  };
}

function lists(list: HeaderList): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, values] of listedHeaders(list)) define(headers, name, values);
  return headers;
}

const common = { name: 'an Application Load Balancer', environ: readEvent, limit: MB };

export const albSingle: FrontEnd<'alb-single'> = { ...common, result: resultOf(false) };

export const albMulti: FrontEnd<'alb-multi'> = { ...common, result: resultOf(true) };
