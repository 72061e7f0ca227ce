import { mkdirSync } from 'node:fs';
import { serve } from 'wsgi-edge/node';
import { folder, fromPython } from 'wsgi-edge/python';
import { environment } from './environment.ts';
import assets from './python_assets/node.mjs';

const { DATA_FOLDER = 'data', PORT = '8000' } = process.env;
mkdirSync(DATA_FOLDER, { recursive: true });

const app = fromPython(assets, { env: environment(process.env), files: { '/data': folder(DATA_FOLDER) } });
await app.boot();
await serve(app, { port: PORT });
