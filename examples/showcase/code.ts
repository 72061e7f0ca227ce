import { headerView, type Middleware } from 'wsgi-edge';
import { type Html, html, raw } from 'wsgi-edge/http';
import { mapResponse } from 'wsgi-edge/middleware';
import answers from './answers.json' with { type: 'json' };
import appSource from './app.ts?raw' with { type: 'text' };
import middlewareSource from './middleware.ts?raw' with { type: 'text' };
import { PARTS, partOf } from './page.ts';
import apiSource from './pages/api.ts?raw' with { type: 'text' };
import cookiesSource from './pages/cookies.ts?raw' with { type: 'text' };
import counterSource from './pages/counter.ts?raw' with { type: 'text' };
import downloadSource from './pages/download.ts?raw' with { type: 'text' };
import environSource from './pages/environ.ts?raw' with { type: 'text' };
import errorSource from './pages/error.ts?raw' with { type: 'text' };
import formSource from './pages/form.ts?raw' with { type: 'text' };
import homeSource from './pages/home.ts?raw' with { type: 'text' };
import honoSource from './pages/hono.ts?raw' with { type: 'text' };
import missingSource from './pages/not-found.ts?raw' with { type: 'text' };
import streamSource from './pages/stream.ts?raw' with { type: 'text' };
import uploadSource from './pages/upload.ts?raw' with { type: 'text' };
import writeSource from './pages/write.ts?raw' with { type: 'text' };

// The source files themselves, as text: each bundler and Node read them when the application is built or started.
const SOURCES: Record<string, string> = {
  'app.ts': appSource,
  'middleware.ts': middlewareSource,
  'pages/api.ts': apiSource,
  'pages/cookies.ts': cookiesSource,
  'pages/counter.ts': counterSource,
  'pages/download.ts': downloadSource,
  'pages/environ.ts': environSource,
  'pages/error.ts': errorSource,
  'pages/form.ts': formSource,
  'pages/home.ts': homeSource,
  'pages/hono.ts': honoSource,
  'pages/not-found.ts': missingSource,
  'pages/stream.ts': streamSource,
  'pages/upload.ts': uploadSource,
  'pages/write.ts': writeSource,
};

// Further files to read beside a page.
const ALSO: Record<string, string[]> = { '/': ['app.ts'], '/environ': ['middleware.ts'] };

/** The path of which the recorded answers show the 404. */
export const MISSING = '/no/such/page';

/** Out: adds to each HTML page the files that made it, and the answers of the three targets. `mapResponse` knows when the head
 *  is final, keeps a stream a stream, and leaves a HEAD without a body. */
export const showCode: Middleware = (app) =>
  mapResponse(app, (environ) => {
    let path = '';
    return {
      head({ status, headers }) {
        path = status.startsWith('404') ? MISSING : partOf(environ);
        return headerView(headers).get('Content-Type')?.startsWith('text/html') ? undefined : false;
      },
      end: () => sectionOf(path),
    };
  });

const sections = new Map<string, Uint8Array>();

function sectionOf(path: string): Uint8Array {
  const known = sections.get(path) ?? new TextEncoder().encode(section(path).markup);
  sections.set(path, known);
  return known;
}

function section(path: string): Html {
  const own = PARTS.find((part) => part[0] === path)?.[2] ?? (path === '/' ? 'home.ts' : 'not-found.ts');
  const files = [`pages/${own}`, ...(ALSO[path] ?? [])];
  const recorded = Object.entries((answers as Record<string, Record<string, string>>)[path] ?? {});
  const alike = Map.groupBy(recorded, ([, answer]) => answer);
  return html`</div>
<section class="code" aria-labelledby="code">
<h2 id="code">The lines that made this page</h2>
${files.map(
  (file) => html`<h3>examples/showcase/${file}</h3>
<pre tabindex="0"><code>${commented(SOURCES[file] ?? '')}</code></pre>
`,
)}<h2>The same answer from each target</h2>
<p>Recorded from <code>GET ${path}</code> on workerd, in AWS's runtime client and on Node. A test compares the three at each
run${path === '/environ' ? '' : ', bodies included'}.</p>
${[...alike].map(
  ([answer, targets]) => html`<h3>${targets.map(([target]) => target).join(', ')}</h3>
<pre tabindex="0"><code>${answer}</code></pre>
`,
)}</section>
`;
}

/** The text of a source file with its comments marked. */
function commented(source: string): Html {
  const { markup } = html`${source}`;
  return raw(markup.replace(/^ *\/\*\*[\s\S]*?\*\/|(?<=^|\s)\/\/(?: .*)?$/gm, '<i>$&</i>'));
}
