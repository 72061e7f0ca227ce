// A link shortener: forms, an upload, a JSON API, cookies, a download, a streamed log, static files, compression, validators,
// CORS and a request log. hono.ts is the same site in Hono.
import { compose } from 'wsgi-edge';
import {
  attachment,
  badRequest,
  cookies,
  form,
  HttpError,
  html,
  json,
  jsonBody,
  notFound,
  redirect,
  router,
  setCookie,
  stream,
  text,
} from 'wsgi-edge/http';
import { accessLog, compress, conditional, cors, staticFiles } from 'wsgi-edge/middleware';

interface Link {
  code: string;
  url: string;
  visits: number;
}

const links = new Map<string, Link>();
const visits: string[] = [];

function add(url: unknown, code: unknown): Link {
  if (typeof url !== 'string' || !/^https?:\/\/[^\s"]+$/.test(url))
    throw new HttpError(badRequest('The URL must begin with http:// or https://\n'));
  const own = typeof code === 'string' && /^[\w-]{1,32}$/.test(code) ? code : crypto.randomUUID().slice(0, 8);
  const link = { code: own, url, visits: 0 };
  links.set(own, link);
  return link;
}

function find(code: string): Link {
  const link = links.get(code);
  if (link === undefined) throw new HttpError(notFound(`There is no link ${code}\n`));
  return link;
}

async function* log() {
  for (const visit of visits) yield `${visit}\n`;
}

const api = router()
  .get('/links', () => json([...links.values()]))
  .get('/links/:code', (_environ, { code }) => json(find(code)))
  .post('/links', async (environ) => {
    const given = await jsonBody<{ url?: unknown; code?: unknown } | null>(environ);
    return json(add(given?.url, given?.code), { status: 201 });
  });

const pages = router()
  .get(
    '/',
    (environ) => html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Shorty</title>
<link rel="stylesheet" href="/static/style.css">
<h1>Shorty</h1>
<p>Your last link: ${cookies(environ).last ?? 'none'}</p>
<form method="post" action="/links"><input name="url" required><input name="code"><button>Shorten</button></form>
<form method="post" action="/import" enctype="multipart/form-data"><input type="file" name="file"><button>Import</button></form>
<ul>${[...links.values()].map(({ code, url }) => html`<li><a href="/${code}">${code}</a> ${url}</li>\n`)}</ul>
`,
  )
  .post('/links', async (environ) => {
    const fields = await form(environ);
    const { code } = add(fields.get('url'), fields.get('code'));
    const cookie = setCookie('last', code, { maxAge: 86_400, httpOnly: true, sameSite: 'lax' });
    return redirect('/', { status: 303, headers: [cookie] });
  })
  .post('/import', async (environ) => {
    const file = (await form(environ)).get('file');
    const rows = file instanceof File ? (await file.text()).trim().split(/\r?\n/) : [];
    for (const [code, url] of rows.map((row) => row.split(','))) add(url, code);
    return redirect('/', { status: 303 });
  })
  .get('/links.csv', () => {
    const rows = [...links.values()].map(({ code, url, visits }) => `${code},"${url}",${visits}\r\n`);
    const headers = [['Content-Type', 'text/csv; charset=utf-8'], attachment('links.csv')] as const;
    return text(`code,url,visits\r\n${rows.join('')}`, { headers });
  })
  .get('/log', () => stream(log()))
  .get('/:code', (_environ, { code }) => {
    const link = find(code);
    link.visits++;
    visits.push(code);
    return redirect(link.url);
  })
  .mount('/api', cors()(api));

export const app = compose(
  accessLog({ log: console.log }),
  compress(),
  conditional(),
  staticFiles({ folder: 'public', prefix: '/static' }),
)(pages);
