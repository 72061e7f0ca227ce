import { WsgiError } from '../src/errors.js';

/** The platform that `--target` names. */
export type Target = { name: 'node' | 'cloudflare' } | { name: 'lambda'; frontEnd: FrontEndName };

export type FrontEndName = (typeof FRONT_ENDS)[number];

const FRONT_ENDS = ['function-url', 'rest-api', 'http-api', 'alb'] as const;

/** Reads the value of `--target`.
 *  @throws {WsgiError} on an unknown one */
export function targetOf(given = 'node'): Target {
  const [name, part = 'function-url', ...more] = given.split(':');
  const frontEnd = FRONT_ENDS.find((known) => known === part);
  if (more.length === 0 && name === 'lambda' && frontEnd !== undefined) return { name, frontEnd };
  if (given === 'node' || given === 'cloudflare') return { name: given };
  throw new WsgiError(
    `wsgi-edge: --target is node, cloudflare or lambda[:${FRONT_ENDS.join('|')}], not ${JSON.stringify(given)}`,
  );
}
