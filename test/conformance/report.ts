import type { Environ } from '../../src/types.js';

/** What a run left behind inside the target. */
export interface Report {
  /** What the application noted, in order. */
  events: string[];
  values: Record<string, unknown>;
  /** The lines that came out of `wsgi.errors` and the gateway's own log since the run began. */
  errors: string[];
}

/** What comes out of one gateway's `errors`. */
export interface Log {
  lines: string[];
  /** How many lines are no longer there. */
  dropped: number;
}

interface Run extends Pick<Report, 'events' | 'values'> {
  log: Log;
  /** Where its own lines begin. */
  from: number;
}

// Module state: an isolate, a function's sandbox and a process keep it between requests. Bounded, for long runs.
const LIMIT = 4096;
const runs = new Map<string, Run>();

const idOf = (environ: Environ): string => environ.HTTP_X_WSGI_RUN ?? '';

export const createLog = (): Log => ({ lines: [], dropped: 0 });

export function logLine(log: Log, line: string): void {
  // The older half: a run must not lose the beginning of what it has just logged.
  if (log.lines.length >= LIMIT) log.dropped += log.lines.splice(0, LIMIT / 2).length;
  log.lines.push(line);
}

/** Begins the run that the request names, unless it has begun. */
export function begin(environ: Environ, log: Log): void {
  const id = idOf(environ);
  if (runs.has(id)) return;
  const [oldest] = runs.keys();
  if (oldest !== undefined && runs.size >= LIMIT) runs.delete(oldest);
  runs.set(id, { events: [], values: {}, log, from: log.dropped + log.lines.length });
}

/** Notes an event of the request's run. */
export function note(environ: Environ, event: string): void {
  runs.get(idOf(environ))?.events.push(event);
}

/** Notes a value, which must survive JSON. */
export function keep(environ: Environ, key: string, value: unknown): void {
  const run = runs.get(idOf(environ));
  if (run !== undefined) run.values[key] = value;
}

export function reportOf(id: string): Report {
  const run = runs.get(id);
  if (run === undefined) return { events: [], values: {}, errors: [] };
  const { events, values, log, from } = run;
  return { events, values, errors: log.lines.slice(Math.max(0, from - log.dropped)) };
}
