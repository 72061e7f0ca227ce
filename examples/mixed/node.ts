import { serve } from 'wsgi-edge/node';
import assets from '../flask/python_assets/node.mjs';
import { mixed } from './app.ts';

await serve(mixed(assets, process.env), { port: process.env.PORT ?? '8000' });
