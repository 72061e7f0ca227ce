import type { Application } from 'wsgi-edge';
import { type Html, html } from 'wsgi-edge/http';
import { layout, STREAM_HEADERS } from '../page.ts';

/** startResponse returns write(), for code that wants to push. Await it: it resolves when the platform has taken the
 *  bytes, so that a slow client slows the application down. What is written goes out before the body that is returned. */
export const write: Application = async (environ, startResponse) => {
  const send = startResponse('200 OK', STREAM_HEADERS);
  await send(bytes(layout(environ, 'Write')));
  for (const word of ['first', 'second', 'third']) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await send(bytes(html`<p>This is the <b>${word}</b> write().</p>\n`));
  }
  return [bytes(html`<p>And this is the body that the application returned.</p>`)];
};

const bytes = ({ markup }: Html): Uint8Array => new TextEncoder().encode(markup);
