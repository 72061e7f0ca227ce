import { nameOf, WsgiError } from '../src/errors.js';
import { textToBytes } from '../src/native-string.js';
import type { Application } from '../src/types.js';
import { type Init, whole } from './response.js';

/** Markup that needs no more escaping. It is a response, too: calling it sends it as a page. */
export interface Html extends Application {
  readonly markup: string;
}

/** A value in a template. Booleans, null and undefined leave no trace. */
export type HtmlValue = Html | string | number | bigint | boolean | null | undefined | readonly HtmlValue[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** As a template tag: makes markup, and escapes every value except markup. Put attributes into quotes. Escaping does not
 *  make a URL safe (`javascript:`), nor a value inside `<script>` or `<style>`; see `scriptJson`.
 *
 *  As a function: answers with markup, as `text/html` in UTF-8.
 *  @throws {WsgiError} when a value is an object, and when a function's content is not markup
 *  @example
 *  ```ts
 *  import { html } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const name = '<b>';
 *  const page = html`<p title="${name}">Hello ${name}</p>`;
 *  page.markup; //=> '<p title="&lt;b&gt;">Hello &lt;b&gt;</p>'
 *  (await client(html(page, { status: 404 })).get('/')).status; //=> 404
 *  ``` */
export function html(template: TemplateStringsArray, ...values: HtmlValue[]): Html;
export function html(content: Html, init?: Init): Application;
export function html(first: TemplateStringsArray | Html, ...rest: unknown[]): Application {
  if (Array.isArray(first)) return raw(first.reduce((before, literal, i) => before + escaped(rest[i - 1]) + literal));
  if (!isHtml(first))
    throw new WsgiError(
      `html: the content must be made by html\`…\` or raw(), not ${nameOf(first)}, which is not escaped`,
    );
  return whole(textToBytes(first.markup), TYPE, (rest[0] ?? {}) as Init);
}

const TYPE = 'text/html; charset=utf-8';

// A function, because JSON from a client can make any object.
const isHtml = (value: unknown): value is Html => typeof value === 'function' && 'markup' in value;

function escaped(value: unknown): string {
  if (isHtml(value)) return value.markup;
  if (value === undefined || value === null || typeof value === 'boolean') return '';
  if (Array.isArray(value)) return value.map(escaped).join('');
  if (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol')
    throw new WsgiError(`html: a value must be text, a number or markup, not ${nameOf(value)}`);
  return String(value).replace(/[&<>"']/g, (char) => ENTITIES[char] as string);
}

/** Takes a string for markup, without escaping: from a template engine, never from a client.
 *  @example
 *  ```ts
 *  import { html, raw } from 'wsgi-edge/http';
 *
 *  html`<p>${raw('a<br>b')}</p>`.markup; //=> '<p>a<br>b</p>'
 *  ``` */
export function raw(markup: string): Html {
  const page: Application = (environ, startResponse) => whole(textToBytes(markup), TYPE, {})(environ, startResponse);
  return Object.assign(page, { markup });
}

/** A value as JSON that is safe in `<script>` and in an attribute with single quotes. As Flask's `tojson`.
 *  @throws {WsgiError} when the value has no form in JSON
 *  @example
 *  ```ts
 *  import { html, scriptJson } from 'wsgi-edge/http';
 *
 *  html`<script>const user = ${scriptJson({ name: '</script>' })}</script>`.markup;
 *  //=> '<script>const user = {"name":"\\u003c/script\\u003e"}</script>'
 *  ``` */
export function scriptJson(value: unknown): Html {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new WsgiError(`scriptJson: ${nameOf(value)} has no form in JSON`);
  return raw(text.replace(/[<>&'\u2028\u2029]/g, (char) => `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`));
}
