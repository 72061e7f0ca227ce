// Only what these requests need, written for these events.
import { binary, CACHE, COOKIE, TEXT } from './answers.ts';
import type { Handler } from './index.ts';

export const handler: Handler = async (event) => {
  switch (event.rawPath ?? event.path) {
    case '/binary': {
      const body = Buffer.from(binary().buffer).toString('base64');
      return { statusCode: 200, ...headers(event, 'application/octet-stream'), body, isBase64Encoded: true };
    }
    case '/json': {
      const { items } = JSON.parse(bytesOf(event).toString());
      return text(headers(event, 'application/json'), JSON.stringify({ count: items.length }));
    }
    case '/upload':
      return text(headers(event, TEXT), String(bytesOf(event).length));
    default:
      return text(hello(event), `Hello, ${event.multiValueHeaders?.['x-name'][0] ?? event.headers['x-name']}\n`);
  }
};

const isAlb = (event: Parameters<Handler>[0]) => event.requestContext.elb !== undefined;

const bytesOf = (event: Parameters<Handler>[0]) =>
  Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');

const headers = (event: Parameters<Handler>[0], type: string) =>
  isAlb(event) ? { multiValueHeaders: { 'content-type': [type] } } : { headers: { 'content-type': type } };

function hello(event: Parameters<Handler>[0]): object {
  if (isAlb(event))
    return { multiValueHeaders: { 'content-type': [TEXT], 'cache-control': [CACHE], 'set-cookie': [COOKIE] } };
  const fields = { 'content-type': TEXT, 'cache-control': CACHE };
  return event.version === '2.0'
    ? { headers: fields, cookies: [COOKIE] }
    : { headers: { ...fields, 'set-cookie': COOKIE } };
}

const text = (head: object, body: string) => ({ statusCode: 200, ...head, body, isBase64Encoded: false });
