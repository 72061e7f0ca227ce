import { toLambdaHandler } from 'srvx/aws-lambda';
import { binary, CACHE, COOKIE, TEXT } from './answers.ts';

export const handler = toLambdaHandler({
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case '/binary':
        return new Response(binary(), { headers: { 'Content-Type': 'application/octet-stream' } });
      case '/json':
        return Response.json({ count: (await request.json()).items.length });
      case '/upload':
        return new Response(String((await request.arrayBuffer()).byteLength), { headers: { 'Content-Type': TEXT } });
      default:
        return new Response(`Hello, ${request.headers.get('x-name')}\n`, {
          headers: { 'Content-Type': TEXT, 'Cache-Control': CACHE, 'Set-Cookie': COOKIE },
        });
    }
  },
});
