// The showcase: one WSGI application (PEP 3333), served as it is by cloudflare.ts, lambda.ts and node.ts.
//
// An application is a function (environ, startResponse) that returns an iterable of bytes. Middleware is a function that
// takes an application and returns one. So a site is put together by calling functions, and this file is all there is
// to routing. Read pages/home.ts next, then the page whose idea you are after.
import { type Application, compose, mount } from 'wsgi-edge';
import { allow, byteCount, requestId, securityHeaders, serverTiming, siteRoot } from './middleware.ts';
import { cookies } from './pages/cookies.ts';
import { counter } from './pages/counter.ts';
import { download } from './pages/download.ts';
import { environPage } from './pages/environ.ts';
import { error } from './pages/error.ts';
import { form } from './pages/form.ts';
import { home } from './pages/home.ts';
import { honoApp } from './pages/hono.ts';
import { notFound } from './pages/not-found.ts';
import { stream } from './pages/stream.ts';
import { stylesheet } from './pages/stylesheet.ts';
import { upload } from './pages/upload.ts';
import { write } from './pages/write.ts';

const read = allow('GET', 'HEAD');
const readOrPost = allow('GET', 'HEAD', 'POST');

// Applications by PATH_INFO, the whole of it.
const pages = new Map<string, Application>([
  ['/', read(home)],
  ['/style.css', read(stylesheet)],
  ['/upload', readOrPost(upload)],
  ['/write', read(write)],
  ['/download', read(download)],
  ['/cookies', readOrPost(cookies)],
  ['/counter', readOrPost(counter)],
  ['/error', error],
]);

const exact: Application = (environ, startResponse) =>
  (pages.get(environ.PATH_INFO) ?? notFound)(environ, startResponse);

// Applications by prefix: `mount` moves the prefix from PATH_INFO to SCRIPT_NAME, so that each of them can believe it
// stands at the root. What no prefix matches goes to `exact`.
const site = mount(
  {
    '/environ': compose(requestId, serverTiming, byteCount)(environPage),
    '/form': readOrPost(form),
    '/stream': read(stream),
    '/hono': honoApp,
  },
  exact,
);

/** The first one is the outermost: siteRoot(securityHeaders(site)). */
export const app = compose(siteRoot, securityHeaders)(site);
