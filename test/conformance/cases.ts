import { applications, moreOfTheKinds } from '../applications/index.js';
import type { Case } from './case.js';
import { environ } from './cases/environ.js';
import { failure } from './cases/failure.js';
import { input } from './cases/input.js';
import { middleware } from './cases/middleware.js';
import { output } from './cases/output.js';
import { startResponse } from './cases/start-response.js';
import { sinners } from './sinners.js';

/** Every case by section, in the order of the table. */
export const sections: Record<string, Case[]> = {
  environ,
  input,
  start_response: [...startResponse, ...sinners.startResponse],
  output: [...output, ...sinners.output],
  failure,
  middleware,
  applications,
  'variants of applications': moreOfTheKinds,
};

export const cases: Case[] = Object.values(sections).flat();
