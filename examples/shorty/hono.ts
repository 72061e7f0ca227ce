// The site of app.ts in Hono, with Hono's own middleware. Hono has none for static files that serves all three platforms.
import { readFile } from 'node:fs/promises';
import { type Context, Hono } from 'hono';
import { compress } from 'hono/compress';
import { getCookie, setCookie } from 'hono/cookie';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { html } from 'hono/html';
import { HTTPException } from 'hono/http-exception';
import { logger } from 'hono/logger';
import { stream } from 'hono/streaming';

interface Link {
  code: string;
  url: string;
  visits: number;
}

const links = new Map<string, Link>();
const visits: string[] = [];

function add(url: unknown, code: unknown): Link {
  if (typeof url !== 'string' || !/^https?:\/\/[^\s"]+$/.test(url))
    throw new HTTPException(400, { message: 'The URL must begin with http:// or https://\n' });
  const own = typeof code === 'string' && /^[\w-]{1,32}$/.test(code) ? code : crypto.randomUUID().slice(0, 8);
  const link = { code: own, url, visits: 0 };
  links.set(own, link);
  return link;
}

function find(code: string): Link {
  const link = links.get(code);
  if (link === undefined) throw new HTTPException(404, { message: `There is no link ${code}\n` });
  return link;
}

async function styles(c: Context) {
  if (c.env?.ASSETS) {
    const asset = await c.env.ASSETS.fetch(new URL('/style.css', c.req.url));
    return new Response(asset.body, asset); // etag() changes headers, which are read-only in an answer of fetch()
  }
  return c.body(await readFile('public/style.css'), 200, { 'Content-Type': 'text/css; charset=utf-8' });
}

const api = new Hono()
  .use(cors())
  .get('/links', (c) => c.json([...links.values()]))
  .get('/links/:code', (c) => c.json(find(c.req.param('code'))))
  .post('/links', async (c) => {
    if (!/^application\/json\b/.test(c.req.header('Content-Type') ?? '')) throw new HTTPException(415);
    const given: { url?: unknown; code?: unknown } | null = await c.req.json().catch(() => {
      throw new HTTPException(400);
    });
    return c.json(add(given?.url, given?.code), 201);
  });

export const app = new Hono()
  .use(logger())
  // Workers compress responses themselves; by Hono's middleware they would be compressed twice.
  .use(navigator.userAgent === 'Cloudflare-Workers' ? (_c, next) => next() : compress())
  .use(etag())
  .get('/static/style.css', styles)
  .route('/api', api)
  .get('/', (c) =>
    c.html(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Shorty</title>
<link rel="stylesheet" href="/static/style.css">
<h1>Shorty</h1>
<p>Your last link: ${getCookie(c, 'last') ?? 'none'}</p>
<form method="post" action="/links"><input name="url" required><input name="code"><button>Shorten</button></form>
<form method="post" action="/import" enctype="multipart/form-data"><input type="file" name="file"><button>Import</button></form>
<ul>${[...links.values()].map(({ code, url }) => html`<li><a href="/${code}">${code}</a> ${url}</li>\n`)}</ul>
`),
  )
  .post('/links', async (c) => {
    const fields = await c.req.parseBody();
    const { code } = add(fields.url, fields.code);
    setCookie(c, 'last', code, { maxAge: 86_400, path: '/', httpOnly: true, sameSite: 'Lax' });
    return c.redirect('/', 303);
  })
  .post('/import', async (c) => {
    const { file } = await c.req.parseBody();
    const rows = file instanceof File ? (await file.text()).trim().split(/\r?\n/) : [];
    for (const [code, url] of rows.map((row) => row.split(','))) add(url, code);
    return c.redirect('/', 303);
  })
  .get('/links.csv', (c) => {
    const rows = [...links.values()].map(({ code, url, visits }) => `${code},"${url}",${visits}\r\n`);
    c.header('Content-Type', 'text/csv; charset=utf-8');
    c.header('Content-Disposition', 'attachment; filename="links.csv"');
    return c.body(`code,url,visits\r\n${rows.join('')}`);
  })
  .get('/log', (c) => {
    c.header('Content-Type', 'text/plain; charset=utf-8');
    return stream(c, async (out) => {
      for (const visit of visits) await out.write(`${visit}\n`);
    });
  })
  .get('/:code', (c) => {
    const link = find(c.req.param('code'));
    link.visits++;
    visits.push(link.code);
    return c.redirect(link.url);
  });
