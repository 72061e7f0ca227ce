import type { Application } from '../../src/types.js';

/** Logs a line before and after it waits, and fails under /boom. */
export const app: Application = async (environ, startResponse) => {
  const { PATH_INFO: path, 'wsgi.errors': errors, 'wsgi_edge.request_id': id } = environ;
  const wait = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
  await wait();
  errors.write(`begin ${path}\n`);
  await wait();
  errors.write(`end ${path}\n`);
  if (path.startsWith('/boom')) throw new Error(`boom ${path}`);
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [new TextEncoder().encode(id)];
};
