import type { Application } from 'wsgi-edge';

const ROWS = 5000;

/** wsgi.file_wrapper makes a body of a Blob, a stream or a { read(size) }. Returned as it is, it is the platform that
 *  sends it, by the quickest way it has. */
export const download: Application = (environ, startResponse) => {
  const file = new Blob(['n,square,cube\r\n', ...rows()]);
  startResponse('200 OK', [
    ['Content-Type', 'text/csv; charset=utf-8'],
    ['Content-Disposition', 'attachment; filename="squares.csv"'],
    ['Content-Length', String(file.size)],
  ]);
  return environ['wsgi.file_wrapper'](file);
};

function* rows(): Generator<string> {
  for (let n = 1; n <= ROWS; n++) yield `${n},${n ** 2},${n ** 3}\r\n`;
}
