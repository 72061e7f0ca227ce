import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { binary, CACHE, COOKIE } from './answers.ts';

const app = new Hono();
app.get('/hello', (c) => {
  c.header('Cache-Control', CACHE);
  c.header('Set-Cookie', COOKIE);
  return c.text(`Hello, ${c.req.header('x-name')}\n`);
});
app.get('/binary', (c) => c.body(binary(), 200, { 'Content-Type': 'application/octet-stream' }));
app.post('/json', async (c) => c.json({ count: (await c.req.json()).items.length }));
app.post('/upload', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));

export const handler = handle(app);
