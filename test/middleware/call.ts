import { addRequestHeader } from '../../src/headers.js';
import { percentDecode, textToBytes } from '../../src/native-string.js';
import type { Application, Environ, HeaderList } from '../../src/types.js';
import { type CollectedResponse, callApp, testEnviron } from '../../testing/app.js';

/** A response with its headers by name in lower case, and the lines that were logged. */
export interface Called extends CollectedResponse {
  code: number;
  header(name: string): string | undefined;
  log: string;
}

/** An application that answers with a list. */
export const answering =
  (body: string | Uint8Array = 'body', headers: HeaderList = [], status = '200 OK'): Application =>
  (_environ, startResponse) => {
    startResponse(status, headers);
    return [typeof body === 'string' ? textToBytes(body) : body];
  };

/** An environ for a request target, with request headers, whose log is collected. */
export function requestTo(target: string, headers: HeaderList = [], overrides: Partial<Environ> = {}) {
  const lines: string[] = [];
  const [path = '', query = ''] = target.split('?', 2);
  const environ = testEnviron({
    PATH_INFO: percentDecode(path),
    QUERY_STRING: query,
    REQUEST_URI: target,
    'wsgi.errors': { write: (text) => void lines.push(text), writelines() {}, flush() {} },
    ...overrides,
  });
  for (const [name, value] of headers) addRequestHeader(environ, name, value);
  return { environ, lines };
}

/** Calls an application with a GET, unless `overrides` say otherwise. */
export async function get(
  app: Application,
  target = '/',
  headers: HeaderList = [],
  overrides: Partial<Environ> = {},
): Promise<Called> {
  const { environ, lines } = requestTo(target, headers, overrides);
  const response = await callApp(app, environ);
  const header = (name: string) => response.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  return { ...response, code: Number(response.status.slice(0, 3)), header, log: lines.join('') };
}
