import { decodeNative, type Environ } from 'wsgi-edge';

const LIMIT = 65_536; // bytes of a posted form
const decoder = new TextDecoder();

/** The fields of the query string; a name may stand in it more than once. */
export function queryFields(environ: Environ): URLSearchParams {
  // What is not percent-encoded, though it should be, is UTF-8 in a native string.
  return new URLSearchParams(decodeNative(environ.QUERY_STRING));
}

/** The fields of a form posted as application/x-www-form-urlencoded; or the status to refuse it with. */
export async function postedFields(environ: Environ): Promise<URLSearchParams | string> {
  const [type = ''] = (environ.CONTENT_TYPE ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return '415 Unsupported Media Type';
  // read(size) gives less only at the end of the body: one byte more than allowed tells that there are more.
  const bytes = await environ['wsgi.input'].read(LIMIT + 1);
  if (bytes.length > LIMIT) return '413 Content Too Large';
  return new URLSearchParams(decoder.decode(bytes));
}
