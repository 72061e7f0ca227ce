// The Flask applications of the tests, where `npm run python-packages` has fetched Flask.
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf } from '../../scripts/python-packages.ts';
import { APPS, notFetched } from './assets.ts';

export const FLASK_ASSETS = 'build/python-flask-assets';

/** Whether tests that need Flask are left out, which fails under CI. */
export const withoutFlask = notFetched(['flask'], 'what needs Flask');

/** Builds the assets, for several requests at a time, unless they are there or can't be. */
export async function ensureFlask(): Promise<void> {
  if (withoutFlask) return;
  await ensureBuilt({
    application: `${APPS}/flask_users.py:app`,
    packages: [modulesOf('flask')],
    out: FLASK_ASSETS,
    concurrent: true,
  });
}
