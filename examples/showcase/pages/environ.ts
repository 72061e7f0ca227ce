import { type Application, applicationUri, decodeNative, type Environ, requestUri } from 'wsgi-edge';
import { type Html, html } from 'wsgi-edge/http';
import { stackOf } from '../middleware.ts';
import { link, page, table } from '../page.ts';

const DID: Record<string, string> = {
  siteRoot: 'kept SCRIPT_NAME for the links; leaves the response as it is',
  secureHeaders: 'will add Content-Security-Policy and other headers that make browsers careful',
  showCode: 'will add the code of the page',
  errorPages: 'would answer an error with a page of its own',
  requestId: 'set wsgi_edge.request_id; will add X-Request-Id',
  serverTiming: 'started its clock; will add Server-Timing',
  byteCount: 'will count the bytes of the body and add a line below the tables',
};

const GROUPS: ReadonlyArray<[caption: string, has: (key: string) => boolean]> = [
  ['The request (CGI variables)', (key) => /^[A-Z_]+$/.test(key) && !key.startsWith('HTTP_')],
  ['Request headers', (key) => key.startsWith('HTTP_')],
  ['WSGI', (key) => key.startsWith('wsgi')],
  ['Keys of the platform and of middleware', (key) => /^(?!wsgi)[a-z]/.test(key)],
];

/** environ is a plain object: its keys can be listed, it can be copied, and an application may add to it. */
export const environPage = (environ: Environ): Application =>
  page(environ, {
    title: 'Environ',
    content: html`<p>All that an application knows of a request is in <code>environ</code>. Ask with another path, such as
<a href="${link(environ, '/environ/and/more?a=1')}">/environ/and/more?a=1</a>, and see how <code>mount</code> splits it
into SCRIPT_NAME and PATH_INFO.</p>
<h2>The middleware it came through</h2>
<ol class="stack">${stackOf(environ).map((name) => html`<li><code>${name}</code> ${DID[name] ?? ''}</li>\n`)}<li><code>environPage</code>
the application: made this page</li></ol>
<h2>environ</h2>
${GROUPS.map(([caption, has]) =>
  table(
    caption,
    Object.keys(environ)
      .filter(has)
      .sort()
      .map((key) => [key, shown(environ[key])]),
    'None.',
  ),
)}
<h2>URLs put together again</h2>
${table('From the keys above', urls(environ), '')}
`,
  });

function urls(environ: Environ): Array<[string, Html]> {
  return [
    ['applicationUri', html`<code>${applicationUri(environ)}</code>`],
    ['requestUri', html`<code>${requestUri(environ)}</code>`],
  ];
}

function shown(value: unknown): Html {
  if (value === '') return html`<i>empty</i>`;
  if (typeof value === 'string') {
    const text = decodeNative(value);
    return html`<code>${value}</code>${text === value ? '' : html` <span>in UTF-8: ${text}</span>`}`;
  }
  if (typeof value === 'function') return html`<i>a function</i>`;
  if (Array.isArray(value) || typeof value !== 'object' || value === null)
    return html`<code>${JSON.stringify(value) ?? 'undefined'}</code>`;
  const keys = Object.keys(value);
  return html`<i>an object</i>${keys.length > 0 ? html`: <code>${keys.slice(0, 12).join(', ')}</code>` : ''}`;
}
