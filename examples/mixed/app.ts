import { type Application, compose, type Middleware, mount } from 'wsgi-edge';
import { fromPython, type PythonAssets, type PythonOptions } from 'wsgi-edge/python';
import { environment } from '../flask/environment.ts';

/** Names each request, in the log and in a header of its response. */
const requestId: Middleware = (app) => (environ, startResponse) => {
  const id = crypto.randomUUID();
  environ.HTTP_X_REQUEST_ID = id;
  return app(environ, (status, headers, excInfo) => startResponse(status, [...headers, ['X-Request-Id', id]], excInfo));
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Front</title>
  <style>:root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif; } body { max-width: 36rem; margin: 2rem auto; padding: 0 1.25rem; }</style>
</head>
<body>
  <h1>The new front</h1>
  <p>This page is TypeScript. <a href="/legacy/">The board</a> is the Flask application that was there before.</p>
</body>
</html>
`;

const front: Application = (environ, startResponse) => {
  const [status, text] = environ.PATH_INFO === '/' ? ['200 OK', PAGE] : ['404 Not Found', 'Not found'];
  startResponse(status, [['Content-Type', `text/${status === '200 OK' ? 'html' : 'plain'}; charset=utf-8`]]);
  return [new TextEncoder().encode(text)];
};

/** The front, with the Flask application of ../flask at /legacy.
 *  @param settings  variables of the environment */
export const mixed = (assets: PythonAssets, settings: object, options: PythonOptions = {}): Application =>
  compose(requestId)(
    mount({ '/legacy': fromPython(assets, { ...options, env: environment({ ...settings }) }) }, front),
  );
