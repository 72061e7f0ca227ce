// The Flask applications of the tests. `npm run python-packages` fetches Flask.
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf } from '../../scripts/python-packages.ts';
import { APPS, notFetched } from './assets.ts';

export const FLASK_ASSETS = 'build/python-flask-assets';

/** Whether tests that need Flask are skipped. Under CI that is an error. */
export const withoutFlask = notFetched(['flask'], 'what needs Flask');

/** Builds the assets, for several requests at a time, unless they exist or Flask is missing. */
export async function ensureFlask(): Promise<void> {
  if (withoutFlask) return;
  await ensureBuilt({
    application: `${APPS}/flask_users.py:app`,
    packages: [modulesOf('flask')],
    out: FLASK_ASSETS,
    concurrent: true,
  });
}
