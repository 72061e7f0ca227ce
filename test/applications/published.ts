// The measured applications as one application, and what a client is to see of them: `wsgi-edge conformance` has this file,
// bundled.
import type { Application } from '../../src/types.js';
import { begin, createLog, reportOf } from '../conformance/report.js';
import { rows } from './index.js';
import { casesOf } from './row.js';

export { rows };

const byId = new Map(rows.map((row) => [row.id, casesOf(row, '')[0]?.app as Application]));
const log = createLog();

/** `X-Wsgi-Case` picks the application, and `X-Wsgi-Report` gives what the run `X-Wsgi-Run` has noted. */
const application: Application = (environ, startResponse) => {
  const { HTTP_X_WSGI_REPORT: asked, HTTP_X_WSGI_CASE: picked = '' } = environ;
  if (asked !== undefined) {
    const report = JSON.stringify({ language: 'typescript', events: reportOf(asked).events });
    startResponse('200 OK', [['Content-Type', 'application/json']]);
    return [new TextEncoder().encode(report)];
  }
  const app = byId.get(picked);
  if (app === undefined) {
    startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
    return [new TextEncoder().encode(`X-Wsgi-Case names none of the ${byId.size} applications\n`)];
  }
  begin(environ, log);
  return app(environ, startResponse);
};

export default application;
