import type { Environ } from 'wsgi-edge';

/** The platform that serves a request, told by the keys that it adds to environ. */
export function platformOf(environ: Environ): string {
  if ('workers.env' in environ) return 'Cloudflare Workers';
  if ('aws.event' in environ) return 'AWS Lambda';
  if ('node.req' in environ) return 'Node';
  return environ.SERVER_SOFTWARE;
}
