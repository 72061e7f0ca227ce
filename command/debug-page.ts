import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Application, Environ } from 'wsgi-edge';
import { decodeNative, requestUri } from 'wsgi-edge';
import { ownFrames } from '../python/bridge/python-error.js';
import type { Named } from './application.js';

/** A frame of a stack, with its source if that can be read. */
interface Frame {
  place: string;
  call: string;
  file: string | undefined;
  line: number;
}

const AROUND = 5; // lines before and after the one of a frame
const SECRET = /AUTHORIZATION|COOKIE|TOKEN|SECRET|PASSWORD|API_KEY/;

/** Makes the page that `--debug` shows instead of the gateway's 500: the error, the sources around its stack, the request.
 *  @param named  the application, whose folder has the sources of Python */
export function debugPage(error: unknown, environ: Environ, named: Named): Application {
  const page = new TextEncoder().encode(render(error, environ, named));
  return (_, startResponse) => {
    startResponse('500 Internal Server Error', [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Cache-Control', 'no-store'],
      ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"],
    ]);
    return [page];
  };
}

function render(error: unknown, environ: Environ, named: Named): string {
  const { name, message, stack } =
    error instanceof Error ? error : { name: 'Thrown', message: String(error), stack: '' };
  const python = name === 'PythonError';
  const frames = python ? pythonFrames(String(stack), named) : scriptFrames(String(stack));
  const rows = Object.entries(environ)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([key, value]) =>
        `<tr><th scope="row">${escapeHtml(key)}</th><td>${escapeHtml(SECRET.test(key) ? '(hidden)' : decodeNative(String(value)))}</td></tr>`,
    );
  const title = python ? (message.trim().split('\n').pop() ?? '') : `${name}: ${message}`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>
<header><p>${escapeHtml(environ.REQUEST_METHOD)} ${escapeHtml(decodeNative(requestUri(environ)))}</p><h1>${escapeHtml(title)}</h1></header>
<main>
<section aria-label="Stack">${frames.map(frameHtml).join('\n')}</section>
<h2>The request as a command</h2>
<pre tabindex="0">${escapeHtml(curlOf(environ))}</pre>
<h2>environ</h2>
<div class="scroll" tabindex="0" role="region" aria-label="environ"><table>${rows.join('\n')}</table></div>
<h2>The whole text</h2>
<pre tabindex="0">${escapeHtml(String(stack || message))}</pre>
</main>
<footer>wsgi-edge serve --debug shows this page; never use it in production.</footer>
</body></html>
`;
}

const frameHtml = ({ place, call, file, line }: Frame, at: number): string => {
  const source = file === undefined ? '' : excerpt(file, line);
  const head = `<summary><code>${escapeHtml(place)}</code> ${escapeHtml(call)}</summary>`;
  return source === ''
    ? `<p class="frame"><code>${escapeHtml(place)}</code> ${escapeHtml(call)}</p>`
    : `<details${at === 0 ? ' open' : ''}>${head}<pre tabindex="0">${source}</pre></details>`;
};

function excerpt(file: string, line: number): string {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const first = Math.max(0, line - 1 - AROUND);
    return lines
      .slice(first, line + AROUND)
      .map((text, at) => {
        const number = first + at + 1;
        const row = `${String(number).padStart(5)}  ${escapeHtml(text)}`;
        return number === line ? `<mark>${row}</mark>` : row;
      })
      .join('\n');
  } catch {
    return '';
  }
}

/** The folder of this package's files. */
const OWN = fileURLToPath(new URL('..', import.meta.url));

/** The frames of the user's own files. Frames of Node and of packages, this one included, say little. */
function scriptFrames(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const text of stack.split('\n')) {
    const [, call = '', url, line] = /^\s+at (?:(.*?) \()?((?:file:|\/).*?):(\d+):\d+\)?$/.exec(text) ?? [];
    if (url === undefined || url.includes('/node_modules/')) continue;
    const file = url.startsWith('file:') ? fileURLToPath(url.replace(/\?.*$/, '')) : url;
    if (file.startsWith(OWN)) continue;
    frames.push({ place: `${shown(file)}:${line}`, call, file, line: Number(line) });
  }
  return frames;
}

/** The frames of a traceback, the innermost first. The application's files are in the current folder or beside its script. */
function pythonFrames(traceback: string, named: Named): Frame[] {
  const frames: Frame[] = [];
  const script = named.language === 'python' ? /^(.*\/)?[^/]+\.py/.exec(named.entry)?.[1] : undefined;
  for (const [, path = '', line, call = ''] of ownFrames(traceback).matchAll(
    /^ +File "(.*?)", line (\d+)(?:, in (.*))?$/gm,
  )) {
    const own = path.startsWith('/app/') ? join(script ?? '', path.slice('/app/'.length)) : undefined;
    frames.unshift({ place: `${own ?? path}:${line}`, call, file: own, line: Number(line) });
  }
  return frames;
}

const shown = (file: string): string =>
  file.startsWith(`${process.cwd()}/`) ? file.slice(process.cwd().length + 1) : file;

function curlOf(environ: Environ): string {
  const parts = ['curl', '-i'];
  if (environ.REQUEST_METHOD !== 'GET') parts.push('-X', environ.REQUEST_METHOD);
  for (const [key, value] of Object.entries(environ))
    if (key.startsWith('HTTP_') && !/^HTTP_(HOST|CONNECTION|ACCEPT_ENCODING|SEC_.*)$/.test(key) && !SECRET.test(key))
      parts.push('-H', quoted(`${key.slice('HTTP_'.length).replaceAll('_', '-')}: ${value}`));
  if (environ.CONTENT_TYPE !== undefined)
    parts.push('-H', quoted(`Content-Type: ${environ.CONTENT_TYPE}`), '-d', '@body');
  return [...parts, quoted(requestUri(environ))].join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1e; --paper: #fbfaf8; --line: #d9d5cf; --bad: #a4161a; --mark: #ffe3b3; --soft: #5c5852; }
@media (prefers-color-scheme: dark) { :root { --ink: #ece9e4; --paper: #17181a; --line: #3a3b3e; --bad: #ff8a80; --mark: #5c4316; --soft: #aaa59d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 64rem; margin: 0 auto; padding: 1rem; }
header { border-bottom: 3px solid var(--bad); }
header p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
h1 { margin: .25rem 0; font-size: 1.5rem; color: var(--bad); overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
pre, code, td, th { font: .875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .25rem; margin: .5rem 0; }
mark { background: var(--mark); color: inherit; display: inline-block; min-width: 100%; }
details, .frame { border-bottom: 1px solid var(--line); padding: .4rem 0; margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .15rem .75rem .15rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { white-space: nowrap; font-weight: 600; }
footer { color: var(--soft); font-size: .875rem; }
`;
