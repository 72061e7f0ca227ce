// The Flask applications of the tests, where `npm run python-packages` has fetched Flask.
import { isFetched, modulesOf } from '../../scripts/python-packages.ts';
import { APPS, buildOnce } from './assets.ts';

export const FLASK_ASSETS = 'build/python-flask-assets';

/** Whether tests that need Flask are left out. CI must not leave them out. */
export const withoutFlask = !isFetched('flask') && !process.env.CI;

/** Builds the assets, for several requests at a time, unless they are there or can't be. */
export async function ensureFlask(): Promise<void> {
  if (withoutFlask) return console.warn('left out, tests that need Flask: npm run python-packages fetches it');
  await buildOnce(APPS, {
    application: 'flask_users.py:app',
    packages: [modulesOf('flask')],
    out: FLASK_ASSETS,
    concurrent: true,
  });
}
