import { serve } from 'wsgi-edge/node';
import { fromPython } from 'wsgi-edge/python';
import assets from './python_assets/node.mjs';

const app = fromPython(assets);
await app.boot();
await serve(app, { port: Number(process.env.PORT), hostname: '127.0.0.1' });
