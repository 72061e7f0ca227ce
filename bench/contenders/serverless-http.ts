// serverless-http over a plain handler of node:http.
import type { IncomingMessage, ServerResponse } from 'node:http';
import serverlessHttp from 'serverless-http';
import { binary, CACHE, COOKIE, TEXT } from './answers.ts';

function answer(req: IncomingMessage, res: ServerResponse): void {
  switch (req.url?.split('?', 1)[0]) {
    case '/binary':
      res.setHeader('Content-Type', 'application/octet-stream');
      res.end(Buffer.from(binary().buffer));
      break;
    case '/json':
      whole(req, (body) => {
        res.setHeader('Content-Type', 'application/json');
        res.end(JSON.stringify({ count: JSON.parse(body.toString()).items.length }));
      });
      break;
    case '/upload':
      whole(req, (body) => {
        res.setHeader('Content-Type', TEXT);
        res.end(String(body.length));
      });
      break;
    default:
      res.setHeader('Content-Type', TEXT);
      res.setHeader('Cache-Control', CACHE);
      res.setHeader('Set-Cookie', COOKIE);
      res.end(`Hello, ${req.headers['x-name']}\n`);
  }
}

function whole(req: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => then(Buffer.concat(chunks)));
}

export const handler = serverlessHttp(answer, { binary: ['application/octet-stream'] });
