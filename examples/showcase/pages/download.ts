import type { Application, Environ } from 'wsgi-edge';
import { attachment, file, html } from 'wsgi-edge/http';
import { link, page } from '../page.ts';

const ROWS = 5000;

/** Leads to the file. */
export const download = (environ: Environ): Application =>
  page(environ, {
    title: 'Download',
    content: html`<p><a href="${link(environ, '/download/squares.csv')}">squares.csv</a>: ${ROWS} numbers with their squares and
cubes. A download that broke off can go on, because the file answers requests for a range.</p>
`,
  });

/** The platform sends a Blob by the quickest way it has: `file` hands it over through wsgi.file_wrapper. */
export const squares = file(new Blob(['n,square,cube\r\n', ...rows()], { type: 'text/csv; charset=utf-8' }), {
  etag: '"squares"',
  headers: [attachment('squares.csv')],
});

function* rows(): Generator<string> {
  for (let n = 1; n <= ROWS; n++) yield `${n},${n ** 2},${n ** 3}\r\n`;
}
