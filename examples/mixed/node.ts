import { serve } from 'wsgi-edge/node';
import assets from '../flask/python_assets/node.mjs';
import { mixed } from './app.ts';

await serve(mixed(assets, process.env.SECRET_KEY ?? ''), { port: Number(process.env.PORT), hostname: '127.0.0.1' });
