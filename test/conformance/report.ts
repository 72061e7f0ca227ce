import type { Environ } from '../../src/types.js';

/** What a run left behind inside the target. */
export interface Report {
  /** What the application noted, in order. */
  events: string[];
  values: Record<string, unknown>;
  /** The lines that came out of `wsgi.errors` and the gateway's own log since the run began. */
  errors: string[];
}

// Module state: an isolate, a function's sandbox and a process keep it between requests. Bounded, for long runs.
const LIMIT = 4096;
const runs = new Map<string, { events: string[]; values: Record<string, unknown>; from: number }>();
const lines: string[] = [];
let dropped = 0;

function runOf(environ: Environ) {
  const id = environ.HTTP_X_WSGI_RUN ?? '';
  let run = runs.get(id);
  if (run === undefined) {
    if (runs.size >= LIMIT) runs.clear();
    run = { events: [], values: {}, from: dropped + lines.length };
    runs.set(id, run);
  }
  return run;
}

/** Begins the run that the request names, unless it has begun. */
export function begin(environ: Environ): void {
  runOf(environ);
}

/** Notes an event of the request's run. */
export function note(environ: Environ, event: string): void {
  runOf(environ).events.push(event);
}

/** Notes a value, which must survive JSON. */
export function keep(environ: Environ, key: string, value: unknown): void {
  runOf(environ).values[key] = value;
}

/** The `errors` option of the gateway under test. */
export function logLine(line: string): void {
  // The older half: a run must not lose the beginning of what it has just logged.
  if (lines.length >= LIMIT) dropped += lines.splice(0, LIMIT / 2).length;
  lines.push(line);
}

export function reportOf(id: string): Report {
  const run = runs.get(id);
  if (run === undefined) return { events: [], values: {}, errors: [] };
  return { events: run.events, values: run.values, errors: lines.slice(Math.max(0, run.from - dropped)) };
}
