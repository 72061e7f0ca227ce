import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { staticFiles } from 'wsgi-edge/middleware';
import { serve } from 'wsgi-edge/node';
import { folder, fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/node.mjs';

const { DATA_FOLDER = 'data', PORT = '8000' } = process.env;
mkdirSync(DATA_FOLDER, { recursive: true });

const app = fromPython(assets, { env: environment(process.env), files: { '/data': folder(resolve(DATA_FOLDER)) } });
await app.boot();
const statics = { folder: join(import.meta.dirname, 'python_assets/public/static'), prefix: '/static' };
await serve(staticFiles(statics)(app), { port: PORT });
