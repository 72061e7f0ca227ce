import { toLambdaHandler } from 'wsgi-edge/aws-lambda';
import { CACHE, COOKIE, TEXT } from './answers.ts';

const encoder = new TextEncoder();

/** Answers every request as the others answer `GET /hello`: only an asynchronous application can read a body. */
export const handler = toLambdaHandler((environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', TEXT],
    ['Cache-Control', CACHE],
    ['Set-Cookie', COOKIE],
  ]);
  return [encoder.encode(`Hello, ${environ.HTTP_X_NAME}\n`)];
});
