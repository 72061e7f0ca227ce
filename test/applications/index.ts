// Applications whose behaviour was measured on real WSGI servers, written anew for JavaScript: what wsgiref
// (Python 3.11.2), gunicorn 20.1.0 (sync), waitress 2.1.2, cheroot 9.0.0, uWSGI 2.0.21 (--http) and mod_wsgi 4.9.4
// (daemon mode, Apache 2.4.71) make of each stands in consensus.json, and consensus.test.ts compares. See README.md.
import type { Case } from '../conformance/case.js';
import { close } from './close.js';
import { contentLength, head, noBody } from './content-length.js';
import { environs } from './environ.js';
import { fileWrapper } from './file-wrapper.js';
import { headers } from './header.js';
import { input } from './input.js';
import { failure, iterable } from './iterable.js';
import { kinds } from './kinds.js';
import { casesOf, type Row } from './row.js';
import { startResponse, write } from './start-response.js';
import { statuses } from './status.js';

const groups: Array<[clause: string, rows: Row[]]> = [
  ['The start_response() Callable', startResponse],
  ['The write() Callable', write],
  ['Specification Details', iterable],
  ['Error Handling', failure],
  ['Specification Details', close],
  ['Handling the Content-Length Header', contentLength],
  ['RFC 9110, section 6.4.1', noBody],
  ['RFC 9110, section 9.3.2', head],
  ['The start_response() Callable', statuses],
  ['The start_response() Callable', headers],
  ['Optional Platform-Specific File Handling', fileWrapper],
  ['Input and Error Streams', input],
  ['environ Variables', environs],
];

export const rows: Row[] = groups.flatMap(([, rows]) => rows);
export const applications: Case[] = groups.flatMap(([clause, rows]) => rows.flatMap((row) => casesOf(row, clause)));

/** Those with a synchronous body, with an asynchronous one. */
const asynchronous: Row[] = rows
  .filter(({ expect, also }) => expect.events.includes('iter') && also === undefined)
  .map(({ also, ...row }) => ({
    ...row,
    id: `${row.id}, asynchronous`,
    app: (environ, start, seen) => row.app(environ, start, { ...seen, body: seen.asyncBody }),
  }));
export const moreOfTheKinds: Case[] = [...asynchronous, ...kinds].flatMap((row) =>
  casesOf(row, 'Specification Details'),
);

/** Measured applications without a counterpart in JavaScript, with the reason. */
export const NOT_APPLICABLE: Record<string, string> = {
  sr_kw_headers: 'JavaScript has no keyword arguments',
};
