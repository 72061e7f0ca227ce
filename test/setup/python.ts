// Builds the Python applications that the test files share.

export default async function setup(): Promise<void> {
  // Not imported above: vitest loads every setup file first, and these two need dist/, which package.ts makes.
  const { ensureAssets } = await import('../python/assets.ts');
  const { ensureFlask } = await import('../python/flask.ts');
  await ensureAssets();
  await ensureFlask();
}
