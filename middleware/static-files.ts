import { lookup } from 'mrmime';
import { quote, WsgiError } from '../src/errors.js';
import { fromFetchHandler } from '../src/fetch/application.js';
import { acceptedEncoding, addVary, formatHttpDate, rangeHeaders, select } from '../src/http-semantics.js';
import { bytesToTextOrNull, nativeToBytes, percentEncode } from '../src/native-string.js';
import type { Application, Body, Environ, HeaderList, Middleware, StartResponse } from '../src/types.js';
import { enterMount, escapeRaw, rawPathInfo } from '../src/url.js';
import { Folder, type FoundFile } from './folder.js';

/** The options of `staticFiles`. */
export interface StaticFilesOptions {
  /** A folder of Node's file system. */
  folder?: string;
  /** The name of the assets binding of a Worker; "ASSETS" by default. If environ has the binding, it goes before the
   *  folder, so that one application runs on both. */
  assets?: string;
  /** The path below which files are served, such as "/static"; all paths by default, so that each GET and HEAD costs a lookup
   *  in the folder or a request to the binding. */
  prefix?: string;
  /** The Cache-Control of files; by default "public, max-age=0", so that a browser asks each time whether its copy holds. */
  cacheControl?: string;
  /** Sends `a.css.br`, `a.css.zst` or `a.css.gz` instead of `a.css` to clients that accept it; false by default. */
  precompressed?: boolean;
}

const SUFFIXES = { br: '.br', zstd: '.zst', gzip: '.gz' } as const;
const ENCODINGS = ['br', 'zstd', 'gzip'] as const;

/** Serves files of a folder (Node, Lambda) or of an assets binding (Workers), with media types, ETag, Last-Modified, 304,
 *  ranges, and `index.html` for a path that ends in "/". Everything else goes to the application: other methods, paths
 *  without a file, paths with a dot file (except `.well-known`), a backslash, a colon, a control character or an escaped
 *  slash, and files that a symbolic link leads out of the folder to.
 *  @throws {WsgiError} when `prefix` is not like "/static", and for a request when there is neither binding nor folder
 *  @example
 *  ```ts
 *  import { text } from 'wsgi-edge/http';
 *  import { staticFiles } from 'wsgi-edge/middleware';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = staticFiles({ folder: 'public', prefix: '/static' })(text('the application'));
 *  await (await client(app).get('/static/no-such-file')).text(); //=> 'the application'
 *  ``` */
export function staticFiles<E extends Environ = Environ>(options: StaticFilesOptions): Middleware<E> {
  const { folder, assets = 'ASSETS', prefix = '', precompressed = false } = options;
  const { cacheControl = 'public, max-age=0' } = options;
  if (prefix !== '' && !/^(\/[^/]+)+$/.test(prefix))
    throw new WsgiError(`staticFiles: prefix must be like "/static", not ${quote(prefix)}`);
  const files = folder === undefined ? undefined : new Folder(folder);
  return (app) => async (environ, startResponse) => {
    const inner = { ...environ };
    if (!/^(GET|HEAD)$/.test(environ.REQUEST_METHOD) || !enterMount(inner, prefix)) return app(environ, startResponse);
    const segments = segmentsOf(inner);
    if (segments === undefined) return app(environ, startResponse);
    const binding = (environ['workers.env'] as Record<string, Assets | undefined> | undefined)?.[assets];
    if (binding !== undefined) return serveAsset(binding, inner, environ, startResponse, app);
    if (files === undefined) throw new WsgiError(`staticFiles: there is neither a binding ${assets} nor a folder`);
    // The path of a mount itself has no "/" yet.
    const isFolder = segments.at(-1) === '' && inner.PATH_INFO !== '';
    const found = await files.find(isFolder ? [...segments.slice(0, -1), 'index.html'] : segments);
    if (found === 'folder' && typeof (await files.find([...segments, 'index.html'])) === 'object') {
      startResponse('308 Permanent Redirect', [['Location', folderLocation(inner)]]);
      return [];
    }
    if (typeof found !== 'object') return app(environ, startResponse);
    const path = isFolder ? [...segments.slice(0, -1), 'index.html'] : segments;
    return serveFile(await variantOf(files, path, found, precompressed, inner), cacheControl, inner, startResponse);
  };
}

/** The part of Fetcher that is used. */
interface Assets {
  fetch(request: Request): Promise<Response>;
}

// The segments of the path as text; the last is "" for a folder. Undefined for a path that must not reach a file system.
function segmentsOf(environ: Environ): string[] | undefined {
  // A proxy or a middleware may have judged the path by its slashes.
  if (/%(2f|5c|00)/i.test(rawPathInfo(environ))) return undefined;
  const path = bytesToTextOrNull(nativeToBytes(environ.PATH_INFO || '/'));
  if (path === null || /[\x00-\x1f\x7f\\:]/.test(path)) return undefined;
  const segments = path.split('/').slice(1);
  const isHidden = (segment: string, at: number) =>
    (segment.startsWith('.') && segment !== '.well-known') || (segment === '' && at < segments.length - 1);
  return segments.some(isHidden) ? undefined : segments;
}

const MISSING = new WsgiError('staticFiles: no such asset');

async function serveAsset<E extends Environ>(
  assets: Assets,
  inner: Environ,
  environ: E,
  startResponse: StartResponse,
  app: Application<E>,
): Promise<Body> {
  const serve = fromFetchHandler(async (request) => {
    // The redirect to a folder is for the browser.
    const response = await assets.fetch(new Request(request, { redirect: 'manual' }));
    const location = response.headers.get('Location');
    // The binding does not see that the path of a mount itself has no "/".
    const isMount = inner.PATH_INFO === '' && response.status < 400;
    if (isMount || response.status === 404) await response.body?.cancel();
    if (response.status === 404) throw MISSING;
    if (isMount) return new Response(null, { status: 308, headers: { Location: folderLocation(inner) } });
    return location === null ? response : redirectBelow(inner, response, new URL(location, request.url), request);
  });
  try {
    return await serve(inner, startResponse);
  } catch (error) {
    if (error !== MISSING) throw error;
    return app(environ, startResponse);
  }
}

// The binding knows neither the prefix nor the mount that its paths are below.
function redirectBelow({ SCRIPT_NAME: script }: Environ, response: Response, to: URL, request: Request): Response {
  if (to.origin !== new URL(request.url).origin) return response;
  const moved = new Response(response.body, response);
  moved.headers.set('Location', `${percentEncode(script, '/')}${to.pathname}${to.search}`);
  return moved;
}

// Relative links of a page need the "/" at the end. The Location is relative, so a path like "//host" can't lead elsewhere.
function folderLocation({ SCRIPT_NAME: script, PATH_INFO: path, QUERY_STRING: query }: Environ): string {
  const whole = script + path;
  const name = percentEncode(whole.slice(whole.lastIndexOf('/') + 1), '');
  return `${name}/${query === '' ? '' : `?${escapeRaw(query)}`}`;
}

/** A file with the headers that tell its media type and coding. */
interface Variant {
  file: FoundFile;
  etag: string;
  headers: HeaderList;
}

async function variantOf(
  files: Folder,
  path: string[],
  file: FoundFile,
  precompressed: boolean,
  { HTTP_ACCEPT_ENCODING: accept }: Environ,
): Promise<Variant> {
  const name = path.at(-1) as string;
  const type = lookup(name) ?? 'application/octet-stream';
  const headers: HeaderList = [['Content-Type', type.startsWith('text/') ? `${type}; charset=utf-8` : type]];
  if (!precompressed) return { file, etag: etagOf(file, ''), headers };
  addVary(headers, 'Accept-Encoding');
  let offered = [...ENCODINGS];
  for (;;) {
    const encoding = acceptedEncoding(accept, offered);
    if (encoding === undefined) return { file, etag: etagOf(file, ''), headers };
    const variant = await files.find([...path.slice(0, -1), name + SUFFIXES[encoding]]);
    if (typeof variant === 'object')
      return { file: variant, etag: etagOf(variant, encoding), headers: [...headers, ['Content-Encoding', encoding]] };
    offered = offered.filter((each) => each !== encoding);
  }
}

const etagOf = ({ size, modified }: FoundFile, encoding: string): string =>
  `"${size.toString(16)}-${Math.floor(modified).toString(16)}${encoding && `-${encoding}`}"`;

async function serveFile(
  { file, etag, headers }: Variant,
  cacheControl: string,
  environ: Environ,
  startResponse: StartResponse,
): Promise<Body> {
  const { size } = file;
  const modified = Math.floor(file.modified / 1000);
  const common: HeaderList = [
    ...headers,
    ['ETag', etag],
    ['Last-Modified', formatHttpDate(modified)],
    ['Cache-Control', cacheControl],
    ['Accept-Ranges', 'bytes'],
  ];
  const range = select(environ, common, size, { etag, modified });
  if (typeof range === 'function') return range(environ, startResponse);
  if (range === undefined) startResponse('200 OK', [...common, ['Content-Length', String(size)]]);
  else startResponse('206 Partial Content', [...common, ...rangeHeaders(range, size)]);
  if (environ.REQUEST_METHOD === 'HEAD') return [];
  return environ['wsgi.file_wrapper'](await file.open(range?.first ?? 0, range?.last ?? size - 1));
}
