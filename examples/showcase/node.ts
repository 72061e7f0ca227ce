import { serve } from 'wsgi-edge/node';
import { app } from './app.ts';

const port = Number(process.env.PORT ?? 8789);

try {
  await serve(app, { port, hostname: '127.0.0.1' });
  console.log(`The showcase on Node: http://127.0.0.1:${port}/ (Ctrl+C stops it)`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
