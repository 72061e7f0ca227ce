// The showcase: one WSGI application (PEP 3333), served as it is by cloudflare.ts, lambda.ts and node.ts.
//
// An application is a function (environ, startResponse) that returns an iterable of bytes. A response of wsgi-edge/http is
// one, and so is a router; middleware takes an application and returns one. A site is put together by calling functions, and
// this file has all of its routes. Each page of the site shows its own file.
import { compose } from 'wsgi-edge';
import { router, view } from 'wsgi-edge/http';
import { errorPages, requestId } from 'wsgi-edge/middleware';
import { showCode } from './code.ts';
import { byteCount, careful, named, serverTiming, siteRoot } from './middleware.ts';
import { api } from './pages/api.ts';
import { cookiesPage } from './pages/cookies.ts';
import { counter } from './pages/counter.ts';
import { download, squares } from './pages/download.ts';
import { environPage } from './pages/environ.ts';
import { error, errorPage } from './pages/error.ts';
import { formPage } from './pages/form.ts';
import { home } from './pages/home.ts';
import { honoApp } from './pages/hono.ts';
import { missing } from './pages/not-found.ts';
import { streamed } from './pages/stream.ts';
import { stylesheet } from './pages/stylesheet.ts';
import { upload } from './pages/upload.ts';
import { write } from './pages/write.ts';

const counted = compose(
  named('requestId', requestId()),
  named('serverTiming', serverTiming),
  named('byteCount', byteCount),
);

// Handlers by method and path. `mount` gives all paths below a prefix to an application, and moves the prefix from PATH_INFO
// to SCRIPT_NAME, so that each application sees itself at the root.
const site = router(view(missing))
  .get('/', home)
  .get('/style.css', () => stylesheet)
  .get('/upload', upload)
  .post('/upload', upload)
  .get('/write', () => write)
  .get('/download', download)
  .get('/download/squares.csv', () => squares)
  .get('/cookies', cookiesPage)
  .post('/cookies', cookiesPage)
  .get('/counter', counter)
  .post('/counter', counter)
  .get('/error', () => error)
  .mount('/environ', counted(view(environPage)))
  .mount('/form', router().get('/', formPage).get('/*rest', formPage).post('/', formPage))
  .mount('/stream', streamed)
  .mount('/api', api)
  .mount('/hono', honoApp);

/** The first one is the outermost. */
export const app = compose(
  named('siteRoot', siteRoot),
  named('secureHeaders', careful),
  named('showCode', showCode),
  named('errorPages', errorPages({ 500: errorPage })),
)(site);
