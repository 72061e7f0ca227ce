import { readFileSync } from 'node:fs';

/** The version of this package. The gateway's own constant stays inside src/: shared with a command, it could not be left out of
 *  bundles. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL(import.meta.resolve('wsgi-edge/package.json')), 'utf8'),
).version;

/** The compatibility date of Workers that the command writes. wrangler refuses one that is later than its runtime. */
export const COMPATIBILITY_DATE = '2026-10-20';
