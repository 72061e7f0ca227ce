import { type Application, decodeNative, type Environ, type HeaderList } from 'wsgi-edge';
import { type Html, html, type Init } from 'wsgi-edge/http';

/** The parts of the showcase: path, name, the file to read, what it shows. */
export const PARTS: ReadonlyArray<[path: string, name: string, file: string, shows: string]> = [
  ['/environ', 'Environ', 'environ.ts', 'The request as an application sees it, and the middleware it came through.'],
  ['/form', 'Forms', 'form.ts', 'Query and form parsing, and what a native string is.'],
  ['/upload', 'Upload', 'upload.ts', 'The SHA-256 of a file, computed while its bytes come in through wsgi.input.'],
  ['/stream', 'Stream', 'stream.ts', 'A slow body that arrives piece by piece, from an async generator.'],
  ['/write', 'Write', 'write.ts', 'The same with the write() that startResponse returns.'],
  ['/download', 'Download', 'download.ts', 'A file handed to the platform by wsgi.file_wrapper.'],
  ['/cookies', 'Cookies', 'cookies.ts', 'Several Set-Cookie lines in one response.'],
  ['/counter', 'Counter', 'counter.ts', 'A count kept in a KV binding on Workers, in memory elsewhere.'],
  ['/api/parts', 'API', 'api.ts', 'JSON, server-sent events, and a Response of the Fetch API.'],
  ['/hono', 'Hono', 'hono.ts', 'An app of another framework, mounted below a path.'],
  ['/error', 'Error', 'error.ts', 'An exception, the page that answers it, and the line in the log.'],
];

/** A path of this site as a link: the site may itself be mounted below a path, such as the stage of an HTTP API. */
export function link(environ: Environ, path: string): string {
  return encodeURI(decodeNative(rootOf(environ))) + path;
}

/** The path of the request within this site, wherever `mount` has drawn the line between SCRIPT_NAME and PATH_INFO. */
export function sitePath(environ: Environ): string {
  return decodeNative((environ.SCRIPT_NAME + environ.PATH_INFO).slice(rootOf(environ).length));
}

/** The path of the part that a request is for: "/environ" for "/environ/and/more", "/" if there is none. */
export function partOf(environ: Environ): string {
  const here = sitePath(environ);
  return PARTS.find(([path]) => here === path || here.startsWith(`${path}/`))?.[0] ?? '/';
}

// Set by the middleware siteRoot.
function rootOf(environ: Environ): string {
  return String(environ['showcase.root'] ?? '');
}

/** Answers with a page. */
export function page(environ: Environ, { title, content, ...init }: Page): Application {
  return html(html`${layout(environ, title)}${content}`, init);
}

interface Page extends Init {
  title: string;
  content: Html;
}

/** The headers of a page that comes in pieces. A proxy that compresses gathers them first: `no-transform` keeps Cloudflare from
 *  it, and `Content-Encoding: identity` keeps wrangler dev from it. */
export const STREAM_HEADERS: HeaderList = [
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Cache-Control', 'no-store, no-transform'],
  ['Content-Encoding', 'identity'],
];

/** A page up to the place of its content, inside a div that the middleware showCode closes. The end tags of main, body and html
 *  may be left out, so a stream or a middleware only adds to the page. */
export function layout(environ: Environ, title: string): Html {
  const current = partOf(environ);
  const item = (path: string, name: string) =>
    html`<li><a href="${link(environ, path)}"${path === current ? html` aria-current="page"` : ''}>${name}</a></li>`;
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · wsgi-edge showcase</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${link(environ, '/style.css')}">
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="brand"><a href="${link(environ, '/')}"><b>wsgi-edge</b> showcase</a></p>
<nav aria-label="Parts of the showcase"><ul>${PARTS.map(([path, name]) => item(path, name))}</ul></nav>
</header>
<main id="main" tabindex="-1">
<div>
<h1>${title}</h1>
`;
}

/** A table of names and values, or the text `empty` if there are none. */
export function table(caption: string, rows: ReadonlyArray<[name: string, value: string | Html]>, empty: string): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<table>
<caption>${caption}</caption>
<tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`)}</tbody>
</table>`;
}
