// The stage of an API on its default host, where clients send it.
import { encodeNative } from '../../../src/native-string.js';
import type { Text } from '../types.js';

interface StageContext {
  domainName?: Text;
  stage?: Text;
  path?: Text;
}

/** "/prod" as a native string where the client's URL begins with the stage: on the default host of an API, unless the
 *  stage is `$default`; else "". */
function stagePrefix({ domainName, stage }: StageContext, hostHeader: string | undefined): string {
  const host = domainName || hostHeader;
  // A list, in an event written by hand, would make "/" of a stage without a name.
  const named = typeof stage === 'string' && stage !== '' && stage !== '$default';
  return named && host?.includes('.execute-api.') ? encodeNative(`/${stage}`) : '';
}

/** The stage in front of `path` where `context.path`, which has it, shows that: "/prod" or "". */
export function stageBefore(context: StageContext, hostHeader: string | undefined, path: string): string {
  const prefix = stagePrefix(context, hostHeader);
  const whole = encodeNative(context.path ?? '');
  return whole === prefix + path || (path === '/' && whole === prefix) ? prefix : '';
}

/** Takes the stage off a path that has it as its first segment. */
export function splitStage(context: StageContext, hostHeader: string | undefined, path: string) {
  const prefix = stagePrefix(context, hostHeader);
  return path === prefix || path.startsWith(`${prefix}/`)
    ? { scriptName: prefix, path: path.slice(prefix.length) }
    : { scriptName: '', path };
}
