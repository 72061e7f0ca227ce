import { nameOf, WsgiError } from '../src/errors.js';
import { isStream } from '../src/file-wrapper.js';
import { textToBytes } from '../src/native-string.js';
import type { Application, Body } from '../src/types.js';
import type { Html } from './html.js';
import { CONTENT_TYPE, headerList, type Init, statusLine } from './response.js';

type Source<Piece> = Iterable<Piece> | AsyncIterable<Piece>;

/** Answers with pieces as they come, as `text/plain` in UTF-8 unless `init` has another type. If the client leaves, the
 *  generator is ended, and `environ['wsgi_edge.signal']` tells code that waits.
 *  @param source  a generator or another iterable of text, markup or bytes; or a stream of bytes, which the platform sends
 *  @throws {WsgiError} when the source is not an object, such as a generator function that has not been called
 *  @example
 *  ```ts
 *  import { stream, view } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  async function* lines() {
 *    yield 'one\n';
 *    yield 'two\n';
 *  }
 *  const app = view(() => stream(lines()));
 *  await (await client(app).get('/')).text(); //=> 'one\ntwo\n'
 *  ``` */
export function stream(
  source: Source<string | Html | Uint8Array> | ReadableStream<Uint8Array>,
  { status = 200, headers }: Init = {},
): Application {
  checkSource('stream', source);
  return (environ, startResponse) => {
    startResponse(statusLine(status), headerList(headers, CONTENT_TYPE('text/plain; charset=utf-8')));
    // The gateway ends a stream even if nobody has read it.
    return isStream(source) || 'destroy' in source
      ? environ['wsgi.file_wrapper'](source as ReadableStream<Uint8Array>)
      : encoded(source, (piece) =>
          typeof piece === 'string'
            ? textToBytes(piece)
            : typeof piece === 'function'
              ? textToBytes(piece.markup)
              : piece,
        );
  };
}

function checkSource(name: string, source: unknown): void {
  if (typeof source !== 'object' || source === null)
    throw new WsgiError(
      `${name}: the source must be a stream, or an iterable such as a generator, not ${nameOf(source)}`,
    );
}

function encoded<Piece>(source: Source<Piece>, encode: (piece: Piece) => Uint8Array): Body {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const piece of source) yield encode(piece);
  }
  const { close } = source as Body;
  return typeof close === 'function' ? Object.assign(chunks(), { close: () => close.call(source) }) : chunks();
}

/** An event of `eventStream`, or the text of its data. */
export type ServerEvent =
  | string
  | {
      /** Text; each of its lines becomes a `data:` line. */
      data?: string;
      /** The type; "message" if absent. Without line breaks. */
      event?: string;
      /** The id that a client sends as Last-Event-ID when it connects again. Without line breaks and NUL. */
      id?: string;
      /** Milliseconds until a client connects again. */
      retry?: number;
    };

/** Answers with server-sent events (HTML Living Standard, "Server-sent events").
 *  @param source  a generator of events; it throws into the stream, which then breaks off, for a line break in `event` or `id`
 *  @example
 *  ```ts
 *  import { eventStream, view } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  async function* clock() {
 *    yield { event: 'tick', data: 'a\nb' };
 *  }
 *  const app = view(() => eventStream(clock()));
 *  await (await client(app).get('/')).text(); //=> 'event: tick\ndata: a\ndata: b\n\n'
 *  ``` */
export function eventStream(source: Source<ServerEvent>, { status = 200, headers }: Init = {}): Application {
  checkSource('eventStream', source);
  return (_environ, startResponse) => {
    startResponse(
      statusLine(status),
      headerList(headers, CONTENT_TYPE('text/event-stream'), ['Cache-Control', 'no-cache, no-transform']),
    );
    return encoded(source, (event) => textToBytes(eventText(typeof event === 'string' ? { data: event } : event)));
  };
}

function eventText({ data, event, id, retry }: Exclude<ServerEvent, string>): string {
  if (/[\r\n]/.test(`${event}`) || /[\r\n\0]/.test(`${id}`))
    throw new WsgiError('eventStream: the type and the id of an event must not have line breaks');
  if (retry !== undefined && !Number.isInteger(retry))
    throw new WsgiError(`eventStream: retry must be whole milliseconds, not ${retry}`);
  const fields = [
    ['event', event],
    ['id', id],
    ['retry', retry],
    ...(data?.split(/\r\n|\r|\n/).map((line) => ['data', line]) ?? []),
  ];
  return `${fields.map(([name, value]) => (value === undefined ? '' : `${name}: ${value}\n`)).join('')}\n`;
}
