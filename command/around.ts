import type { Application } from 'wsgi-edge';
import { WsgiError } from '../src/errors.js';
import { textOf, type Values } from './arguments.js';

/** The middleware that options put around an application. */
export interface Around {
  validate?: boolean;
  accessLog?: (typeof FORMATS)[number];
  /** The folder for recorded requests. */
  record?: string;
}

const FORMATS = ['combined', 'common', 'json'] as const;

/** Reads the options that ask for middleware.
 *  @throws {WsgiError} on an unknown format */
export function aroundOf(flags: Values): Around {
  const given = textOf(flags['access-log']);
  const format = FORMATS.find((known) => known === given);
  if (given !== undefined && format === undefined)
    throw new WsgiError(`wsgi-edge: --access-log is combined, common or json, not ${JSON.stringify(given)}`);
  return {
    ...(flags.validate && { validate: true }),
    ...(format !== undefined && { accessLog: format }),
    ...(flags.record !== undefined && { record: String(flags.record) }),
  };
}

/** Puts the middleware around an application. */
export async function putAround(
  application: Application,
  { validate, accessLog, record }: Around,
): Promise<Application> {
  let app = application;
  if (validate) app = (await import('wsgi-edge/validator')).validator(app);
  if (record !== undefined) app = (await import('wsgi-edge/testing')).record(record)(app);
  if (accessLog === undefined) return app;
  const middleware = await import('wsgi-edge/middleware');
  return middleware.accessLog({ format: accessLog, log: (line) => console.log(line) })(app);
}
