import { nameOf } from './errors.js';
import { textToBytes } from './native-string.js';
import type { Application } from './types.js';

/** Shows that a gateway works: says "Hello world!" and lists the environ, sorted. Shows only the kind of objects, because
 *  they may hold secrets. As `wsgiref.simple_server.demo_app`.
 *  @example
 *  ```ts
 *  import { demoApp } from 'wsgi-edge';
 *  import { callApp } from 'wsgi-edge/testing';
 *
 *  (await callApp(demoApp)).text().split('\n')[0]; //=> 'Hello world!'
 *  ``` */
export const demoApp: Application = (environ, startResponse) => {
  const keys = Object.keys(environ).sort();
  const lines = ['Hello world!', '', ...keys.map((key) => `${key} = ${show(environ[key])}`)];
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return [textToBytes(`${lines.join('\n')}\n`)];
};

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return /^(string|number|boolean)$/.test(typeof value) ? JSON.stringify(value) : `<${nameOf(value)}>`;
}
