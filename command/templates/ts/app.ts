import { html, json, router } from 'wsgi-edge/http';

const app = router()
  .get(
    '/',
    () => html`<!doctype html>
<html lang="en">
<title>{{name}}</title>
<h1>Hello from {{name}}</h1>
<p><a href="/api/time">The time as JSON</a></p>`,
  )
  .get('/api/time', () => json({ time: new Date().toISOString() }));

export default app;
