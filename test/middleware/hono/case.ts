import type { HeaderList } from '../../../src/types.js';

// Cases from the tests of Hono, as data. https://github.com/honojs/hono, commit 28a9c128912de19f3fb28b00ae289c9b93f6f392
// (4.13.3), src/middleware/<name>/index.test.ts. MIT License, Copyright (c) 2021 - present, Yusuke Wada and Hono
// contributors. Options are translated to ours; requests and expectations are theirs.

/** What a client gets. A header of null is absent, a RegExp matches its value. */
export interface Wanted {
  status?: number;
  headers?: Record<string, string | RegExp | null>;
  body?: string;
}

export interface HonoCase<Options> {
  /** The title of the test; "(2)" and so on for its further requests. */
  test: string;
  options?: Options;
  app?: { status?: string; headers?: HeaderList; body?: string };
  request?: { method?: string; path?: string; headers?: HeaderList };
  wanted: Wanted;
  /** What we do instead, and why; 'throws' if the options are refused. */
  ours?: Wanted | 'throws';
  why?: string;
}

/** Tests of which no case can be made, by title, with the reason. */
export type Absent = Record<string, string>;
