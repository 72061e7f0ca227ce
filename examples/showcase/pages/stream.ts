import type { Environ } from 'wsgi-edge';
import { type Html, html, json, router, stream, view } from 'wsgi-edge/http';
import { layout, STREAM_HEADERS } from '../page.ts';
import { missing } from './not-found.ts';

const PIECES = 10;
const PAUSE = 200; // ms

// Module state lives as long as the process or isolate that serves the request, as it does in Python.
const counts = { opened: 0, finished: 0, closed: 0 };

/** The stream, and how many of its bodies were opened here, came to their end, and were closed. Every body is closed, also if its
 *  client goes away. */
export const streamed = router(view(missing))
  .get('/', (environ) => {
    counts.opened++;
    // A body may have a close(), which the gateway calls once, however the request ends.
    const close = () => void counts.closed++;
    return stream(Object.assign(pieces(environ), { close }), { headers: STREAM_HEADERS });
  })
  .get('/closed', () => json(counts, { headers: { 'Cache-Control': 'no-store' } }));

/** Each piece that a generator yields goes out before the next one is asked for. */
async function* pieces(environ: Environ): AsyncGenerator<Html> {
  yield layout(environ, 'Stream');
  yield html`<p>${PIECES} pieces, one every ${PAUSE} milliseconds. If you leave before the end, the body is closed
too.</p><ul class="pieces">`;
  for (let i = 1; i <= PIECES; i++) {
    await pause(PAUSE, environ['wsgi_edge.signal']);
    yield html`<li>Piece ${i} of ${PIECES}</li>\n`;
  }
  yield html`</ul><p>That was all.</p>`;
  counts.finished++;
}

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
