// The Flask applications of the tests, where `npm run python-packages` has fetched Flask.
import { isFetched, modulesOf } from '../../scripts/python-packages.ts';
import { APPS, buildOnce } from './assets.ts';

export const FLASK_ASSETS = 'build/python-flask-assets';

/** Whether a test that needs Flask is left out; CI must not leave it out. */
export const withoutFlask = !isFetched('flask') && !process.env.CI;
if (withoutFlask) console.warn('left out, what needs Flask: npm run python-packages fetches it');

/** Builds them for several requests at a time, unless they are there. */
export const ensureFlask = (): Promise<void> =>
  buildOnce(APPS, {
    application: 'flask_users.py:app',
    packages: [modulesOf('flask')],
    out: FLASK_ASSETS,
    concurrent: true,
  });
