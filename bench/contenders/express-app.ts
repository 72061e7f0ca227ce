import express from 'express';
import { binary, CACHE, COOKIE } from './answers.ts';

export const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.use(express.json(), express.raw({ type: 'application/octet-stream', limit: '10mb' }));
app.get('/hello', (req, res) =>
  res
    .set('Cache-Control', CACHE)
    .set('Set-Cookie', COOKIE)
    .type('text')
    .send(`Hello, ${req.get('x-name')}\n`),
);
app.get('/binary', (_, res) => res.type('application/octet-stream').send(Buffer.from(binary())));
app.post('/json', (req, res) => res.json({ count: req.body.items.length }));
app.post('/upload', (req, res) => res.type('text').send(String(req.body.length)));
