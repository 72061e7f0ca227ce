import type { Application } from '../../src/types.js';
import { validator } from '../../src/validator/index.js';

/** Answers with every string of its environ and with the body, and has the validator look at both sides. */
export const echo: Application = validator(async (environ, startResponse) => {
  const bytes = await environ['wsgi.input'].read();
  const echoed: Record<string, string> = { length: String(bytes.length) };
  for (const [key, value] of Object.entries(environ)) if (typeof value === 'string') echoed[key] = value;
  if (bytes.length < 10) echoed.body = new TextDecoder().decode(bytes);
  startResponse('200 OK', [['Content-Type', 'application/json']]);
  return [new TextEncoder().encode(JSON.stringify(echoed))];
});
