import { encodeNative } from '../../../src/native-string.js';
import type { Environ } from '../../../src/types.js';
import type { Text } from '../types.js';

interface StageContext {
  domainName?: Text;
  stage?: Text;
  path?: Text;
}

/** The stage that the client's URL begins with: "/prod" as a native string, on the default host of an API unless the
 *  stage is `$default`; else "". */
function stagePrefix({ domainName, stage }: StageContext, hostHeader: string | undefined): string {
  // In an event written by hand the stage may not be a string; it must not become "/".
  if (stage === '$default' || typeof stage !== 'string' || stage === '') return '';
  const host = domainName || hostHeader;
  return host?.includes('.execute-api.') ? encodeNative(`/${stage}`) : '';
}

/** The stage in front of `path` if `context.path` shows that: "/prod" or "". */
export function stageBefore(context: StageContext, hostHeader: string | undefined, path: string): string {
  const prefix = stagePrefix(context, hostHeader);
  const whole = encodeNative(context.path ?? '');
  const isBefore = whole.length === prefix.length + path.length && whole.startsWith(prefix) && whole.endsWith(path);
  return isBefore || (path === '/' && whole === prefix) ? prefix : '';
}

/** Moves the stage from PATH_INFO to SCRIPT_NAME if it is the first segment there. */
export function enterStage(environ: Environ, context: StageContext): void {
  const prefix = stagePrefix(context, environ.HTTP_HOST);
  const path = environ.PATH_INFO;
  if (prefix === '' || (path !== prefix && !path.startsWith(`${prefix}/`))) return;
  environ.SCRIPT_NAME = prefix;
  environ.PATH_INFO = path.slice(prefix.length);
}
