import { logRecord } from '../src/error-stream.js';
import { nameOf, WsgiError } from '../src/errors.js';
import { decodeNative } from '../src/native-string.js';
import { isBodiless } from '../src/start-response.js';
import type { Environ, Middleware } from '../src/types.js';
import { mapResponse } from './map-response.js';

/** One answered request. Strings are native strings; undefined if the request or the platform does not tell. */
export interface AccessRecord {
  /** When the request came. */
  time: Date;
  remoteAddr: string | undefined;
  remoteUser: string | undefined;
  method: string;
  /** Path and query as received. */
  target: string;
  protocol: string;
  /** 500 if the gateway has answered an error, 499 if the client left before the head. */
  status: number;
  /** Bytes of the body, if they are known. */
  bytes: number | undefined;
  /** Milliseconds until the body was closed. Workers stop their clock between two waits. */
  duration: number;
  referer: string | undefined;
  userAgent: string | undefined;
  requestId: string | undefined;
}

/** The options of `accessLog`. */
export interface AccessLogOptions {
  /** "combined" by default. */
  format?: 'common' | 'combined' | 'json' | ((record: AccessRecord) => string);
  /** Takes each line; by default it is a record of the gateway's log with the level `info`. */
  log?: (line: string) => void;
}

/** Logs a line for each request when its response has ended, in the formats of Apache or as JSON. Bytes that could forge a
 *  line or control a terminal are escaped. Bytes are counted for streams of unknown length; otherwise they are the length.
 *  @throws {WsgiError} when the format is unknown
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { accessLog } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const lines: string[] = [];
 *  const app = accessLog({ format: 'json', log: (line) => lines.push(line) })(text('hello'));
 *  await (await client(app).get('/a')).text();
 *  JSON.parse(lines[0] ?? '').status; //=> 200
 *  ``` */
export function accessLog<E extends Environ = Environ>({
  format = 'combined',
  log,
}: AccessLogOptions = {}): Middleware<E> {
  const line = typeof format === 'function' ? format : FORMATS[format];
  if (line === undefined)
    throw new WsgiError(`accessLog: format must be "common", "combined", "json" or a function, not ${nameOf(format)}`);
  return (app) =>
    mapResponse(app, (environ) => {
      const record = recordOf(environ);
      const { 'wsgi.errors': errors, 'wsgi_edge.signal': signal } = environ;
      return {
        head({ status, length, file }) {
          record.status = Number(status.slice(0, 3));
          record.bytes = record.method === 'HEAD' || isBodiless(record.status) ? 0 : length;
          // Only a stream of unknown length has to be counted; anything else passes untouched.
          return record.bytes === undefined && !file ? undefined : false;
        },
        chunk(chunk) {
          record.bytes = (record.bytes ?? 0) + chunk.length;
          return chunk;
        },
        close() {
          if (record.status === 0) record.status = signal.aborted ? 499 : 500;
          record.duration = Date.now() - record.time.getTime();
          const text = line(record);
          if (log === undefined) logRecord({ 'wsgi.errors': errors }, { level: 'info', message: text });
          else log(text);
        },
      };
    });
}

function recordOf(environ: Environ): AccessRecord {
  const { QUERY_STRING: query, 'wsgi_edge.request_id': id } = environ;
  return {
    time: new Date(),
    remoteAddr: environ.REMOTE_ADDR,
    remoteUser: environ.REMOTE_USER,
    method: environ.REQUEST_METHOD,
    target: environ.REQUEST_URI ?? environ.SCRIPT_NAME + environ.PATH_INFO + (query === '' ? '' : `?${query}`),
    protocol: environ.SERVER_PROTOCOL,
    status: 0,
    bytes: undefined,
    duration: 0,
    referer: environ.HTTP_REFERER,
    userAgent: environ.HTTP_USER_AGENT,
    requestId: typeof id === 'string' ? id : undefined,
  };
}

const FORMATS = {
  common,
  combined: (record: AccessRecord) => `${common(record)} "${escaped(record.referer)}" "${escaped(record.userAgent)}"`,
  json: (record: AccessRecord) =>
    // The escapes of JSON.stringify() leave out C1 and the line separators of Unicode.
    JSON.stringify(record, (_key, value) => (typeof value === 'string' ? decodeNative(value) : value)).replace(
      /[\x7f-\x9f\u2028\u2029]/g,
      (char) => `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`,
    ),
};

// https://httpd.apache.org/docs/2.4/mod/mod_log_config.html
function common({ remoteAddr, remoteUser, time, method, target, protocol, status, bytes }: AccessRecord): string {
  const request = `${escaped(method)} ${escaped(target)} ${escaped(protocol)}`;
  const size = bytes === undefined || bytes === 0 ? '-' : bytes;
  return `${escaped(remoteAddr, /[ ]/g)} - ${escaped(remoteUser, /[ ]/g)} [${apacheTime(time)}] "${request}" ${status} ${size}`;
}

// "10/Oct/2000:13:55:36 +0000", in UTC.
function apacheTime(time: Date): string {
  const [, day, month, year, clock] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(time.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${clock} +0000`;
}

// As Apache: quotes and backslashes with a backslash, other bytes than printable ASCII as \xhh.
function escaped(value: string | undefined, also = /$^/g): string {
  if (value === undefined || value === '') return '-';
  const hex = (char: string): string => `\\x${char.codePointAt(0)?.toString(16).padStart(2, '0')}`;
  return value
    .replace(/["\\]/g, '\\$&')
    .replace(/[^\x20-\x7e]/g, hex)
    .replace(also, hex);
}
