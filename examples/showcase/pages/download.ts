import { attachment, file } from 'wsgi-edge/http';

const ROWS = 5000;

/** A Blob is sent by the platform, by the quickest way it has: `file` hands it over through wsgi.file_wrapper. A client may ask
 *  for a range of it, to go on with a download. */
export const download = file(new Blob(['n,square,cube\r\n', ...rows()], { type: 'text/csv; charset=utf-8' }), {
  etag: '"squares"',
  headers: [attachment('squares.csv')],
});

function* rows(): Generator<string> {
  for (let n = 1; n <= ROWS; n++) yield `${n},${n ** 2},${n ** 3}\r\n`;
}
