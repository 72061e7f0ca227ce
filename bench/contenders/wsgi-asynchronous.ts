import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
import { binary, CACHE, COOKIE, TEXT } from './answers.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const handler = toLambdaHandler(async (environ, startResponse) => {
  switch (environ.PATH_INFO) {
    case '/binary':
      startResponse('200 OK', [['Content-Type', 'application/octet-stream']]);
      return [binary()];
    case '/json': {
      const { items } = JSON.parse(decoder.decode(await environ['wsgi.input'].read()));
      startResponse('200 OK', [['Content-Type', 'application/json']]);
      return [encoder.encode(JSON.stringify({ count: items.length }))];
    }
    case '/upload': {
      const { length } = await environ['wsgi.input'].read();
      startResponse('200 OK', [['Content-Type', TEXT]]);
      return [encoder.encode(String(length))];
    }
    default:
      startResponse('200 OK', [
        ['Content-Type', TEXT],
        ['Cache-Control', CACHE],
        ['Set-Cookie', COOKIE],
      ]);
      return [encoder.encode(`Hello, ${environ.HTTP_X_NAME}\n`)];
  }
});
