import type { Application, GatewayOptions } from '../../src/types.js';
import { validator } from '../../src/validator/index.js';
import { bare } from '../request-id.js';
import { bytes } from './case.js';
import { cases } from './cases.js';
import { begin, createLog, logLine, reportOf } from './report.js';
import { shipped } from './shipped.js';

const byName = new Map(cases.map((one) => [one.name, one]));

/** Every case as one application, so that one deployment serves the whole suite, with the options that the target under
 *  test is made with. `X-Wsgi-Case` picks the case, `X-Wsgi-Validator: 1` puts it inside the validator, `X-Wsgi-Around`
 *  puts a middleware of the package around that, `X-Wsgi-Report` gives what a run has noted. Each has a log of its own: several targets may be tested in one process. */
export function createApplication(): { application: Application; options: GatewayOptions } {
  const log = createLog();
  const application: Application = (environ, startResponse) => {
    const asked = environ.HTTP_X_WSGI_REPORT;
    if (asked !== undefined) {
      startResponse('200 OK', [['Content-Type', 'application/json']]);
      return [bytes(JSON.stringify(reportOf(asked)))];
    }
    const picked = byName.get(environ.HTTP_X_WSGI_CASE ?? '');
    if (picked === undefined) {
      startResponse('404 Not Found', [['Content-Type', 'text/plain']]);
      return [bytes(`X-Wsgi-Case names none of the ${byName.size} cases\n`)];
    }
    begin(environ, log);
    const app = environ.HTTP_X_WSGI_VALIDATOR === '1' ? validator(picked.app) : picked.app;
    const around = shipped[environ.HTTP_X_WSGI_AROUND ?? ''];
    return (around === undefined ? app : around(app))(environ, startResponse);
  };
  const options: GatewayOptions = {
    errors: (line) => logLine(log, bare(line)),
    onError: (error, environ) => byName.get(environ.HTTP_X_WSGI_CASE ?? '')?.onError?.(error, environ),
  };
  return { application, options };
}
