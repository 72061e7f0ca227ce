// Builds once what several test files need, before they run side by side: Lambda's runtime client and the Python
// applications.
import { ensureRuntimeClient } from '../emulation/lambda/install-ric.ts';
import { ensureAssets } from './python/assets.ts';
import { ensureFlask } from './python/flask.ts';

export default async function setup(): Promise<void> {
  await ensureRuntimeClient().catch((error: Error) => {
    if (process.env.CI) throw error;
    console.warn(`Tests that need Lambda's runtime client are skipped: ${error.message}`);
  });
  await ensureAssets();
  await ensureFlask();
}
