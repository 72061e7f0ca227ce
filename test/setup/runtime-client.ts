// Builds Lambda's runtime client once, before the test files that need it.
import { ensureRuntimeClient } from '../../emulation/lambda/install-ric.ts';

export default async function setup(): Promise<void> {
  await ensureRuntimeClient().catch((error: Error) => {
    if (process.env.CI) throw error;
    console.warn(`Tests that need Lambda's runtime client are skipped: ${error.message}`);
  });
}
