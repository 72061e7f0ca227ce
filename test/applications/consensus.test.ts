import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NOT_APPLICABLE, rows } from './index.js';
import type { Expected, Field, Row } from './row.js';

type Value = number | boolean | string | { length: number; sha256: string };
/** What the servers did with a measured application: one value where all six agree, else one for each, in the order
 *  wsgiref, gunicorn, waitress, cheroot, uWSGI, mod_wsgi. */
interface Measured {
  group: string;
  title: string;
  /** 0 when no response came. */
  status: number | number[];
  complete: boolean | boolean[];
  /** Bytes as a native string, a digest of longer ones, or the six lengths. */
  body: string | { length: number; sha256: string } | number | number[];
  /** Calls of close(). */
  close: number | number[];
  logged: boolean | boolean[];
  /** Without what the errors said; absent where the servers differ. */
  events?: string;
}

const consensus = JSON.parse(readFileSync(new URL('consensus.json', import.meta.url), 'utf8')) as Record<
  string,
  Measured
>;
const MAJORITY = 4;

/** The value of all servers, or of most of them; undefined where they are divided. */
function agreed(measured: Value | Value[] | undefined): Value | undefined {
  if (!Array.isArray(measured)) return measured;
  return measured.find((value) => measured.filter((other) => other === value).length >= MAJORITY);
}

function ours(field: Field, { status, complete = true, body, events, log }: Expected, measured: Value): Value {
  if (field === 'status') return status;
  if (field === 'complete') return complete !== false;
  if (field === 'close') return events.filter((event) => event === 'close').length;
  if (field === 'logged') return log !== undefined;
  // The servers know no return().
  if (field === 'events') return events.filter((event) => event !== 'return').join(' | ');
  if (typeof measured === 'number') return body.length;
  if (typeof measured === 'string') return body;
  return { length: body.length, sha256: createHash('sha256').update(body, 'latin1').digest('hex') };
}

/** The fields in which a row is not where the servers are. */
function differences({ id, expect }: Row): Field[] {
  const measured = consensus[id];
  if (measured === undefined) return [];
  const differs = (field: Field): boolean => {
    const value = agreed(measured[field]);
    return value !== undefined && JSON.stringify(ours(field, expect, value)) !== JSON.stringify(value);
  };
  // Another status is another response: the rest follows from it.
  if (differs('status')) return ['status'];
  return (['complete', 'body', 'close', 'logged', 'events'] as const).filter(differs);
}

describe('the measured applications', () => {
  it('are all here once, or have a reason not to be', () => {
    const here = [...rows.map((row) => row.id), ...Object.keys(NOT_APPLICABLE)];
    expect(here.toSorted()).toEqual(Object.keys(consensus).toSorted());
  });

  for (const row of rows)
    it(`${row.id}: a reason for each difference from the servers, and none without`, () => {
      expect(Object.keys(row.why ?? {}).toSorted()).toEqual(differences(row).toSorted());
    });
});
