import { serve } from 'wsgi-edge/node';
import { app } from './app.ts';

process.chdir(import.meta.dirname); // for public/
const server = await serve(app, { port: Number(process.env.PORT ?? 8792) });
console.log(`Shorty on Node: http://127.0.0.1:${Object(server.address()).port}/ (Ctrl+C stops it)`);
