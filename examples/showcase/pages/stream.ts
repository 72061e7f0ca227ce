import { type Application, type Environ, type StartResponse, shiftPathInfo } from 'wsgi-edge';
import { html } from '../html.ts';
import { closing } from '../middleware.ts';
import { layout, STREAM_HEADERS } from '../page.ts';
import { notFound } from './not-found.ts';

const PIECES = 10;
const PAUSE = 200; // ms

// Module state lives as long as the process or isolate that serves the request, as it does in Python.
const counts = { opened: 0, finished: 0, closed: 0 };

/** Dispatches by hand what `mount` does by table: shiftPathInfo moves one segment from PATH_INFO to SCRIPT_NAME. */
export const stream: Application = (environ, startResponse) => {
  const inner = { ...environ };
  const segment = shiftPathInfo(inner);
  if (segment === 'closed' && inner.PATH_INFO === '') return closedCounts(inner, startResponse);
  if (segment !== null && segment !== '') return notFound(environ, startResponse);
  counts.opened++;
  return closing(pieces(environ, startResponse), () => {
    counts.closed++;
  });
};

/** A generator is an application: its startResponse is called when the gateway asks for the first chunk, and each chunk
 *  it yields goes out before the next one is asked for. */
async function* pieces(environ: Environ, startResponse: StartResponse): AsyncGenerator<Uint8Array> {
  startResponse('200 OK', STREAM_HEADERS);
  yield layout(environ, 'Stream').bytes();
  yield html`<p>${PIECES} pieces, one every ${PAUSE} milliseconds. Go away before the end, and the body is closed all the
same.</p><ul class="pieces">`.bytes();
  for (let i = 1; i <= PIECES; i++) {
    await pause(PAUSE, environ['wsgi_edge.signal']);
    yield html`<li>Piece ${i} of ${PIECES}</li>\n`.bytes();
  }
  yield html`</ul><p>That was all.</p>`.bytes();
  counts.finished++;
}

/** How many bodies of the stream were opened here, came to their end, and were closed: all of them, the ones whose
 *  client went away too. */
const closedCounts: Application = (_environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
  ]);
  return [new TextEncoder().encode(`${JSON.stringify(counts)}\n`)];
};

/** Waits, unless the client goes away first: then the signal rejects the promise, and the generator ends there. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
