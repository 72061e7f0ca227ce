import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, it } from 'vitest';
import type { Capability } from './capabilities.js';
import type { Case, RawRequest, RawResponse, Recall, Send } from './case.js';
import { sections } from './cases.js';
import type { Report } from './report.js';

/** What a run of the suite on a target leaves for `table.ts`. */
export interface Result {
  section: string;
  name: string;
  inside: 'bare' | 'validator';
  outcome: 'holds' | 'lacked' | 'not applicable' | 'fails';
  reason?: string;
}

export interface Target {
  send: (request: RawRequest) => Promise<RawResponse>;
  /** Capabilities that the platform has not, with the reason. Their cases run and must fail: the day the platform gains
   *  one, the suite turns red. */
  lacks?: Partial<Record<Capability, string>>;
  /** Capabilities whose cases say nothing here, with the reason. Their cases are skipped. */
  inapplicable?: Partial<Record<Capability, string>>;
}

export const RESULTS = new URL('../../node_modules/.cache/wsgi-edge/conformance/', import.meta.url);
const POLLS = 150;
let runs = 0;

/** Runs every case on a target, bare and inside the validator. The targets of a file run side by side, because most of
 *  their time is spent waiting.
 *  @param given  one target, whose cases run in order because they share its log, or a function that makes one for each
 *                section: then the sections run side by side, too */
export function testTarget(name: string, given: Target | (() => Target)): void {
  const results: Result[][] = [];
  const sideBySide = typeof given === 'function';
  describe(name, { concurrent: true }, () => {
    for (const [section, cases] of Object.entries(sections)) {
      const target = sideBySide ? given() : given;
      const ofSection: Result[] = [];
      results.push(ofSection);
      describe(section, { concurrent: sideBySide }, () => {
        for (const one of cases)
          for (const inside of ['bare', 'validator'] as const) testCase(target, section, one, inside, ofSection);
      });
    }
    afterAll(() => writeResults(name, results.flat()));
  });
}

/** Keeps the results of a target for `table.ts`. */
export function writeResults(name: string, results: Result[]): void {
  mkdirSync(RESULTS, { recursive: true });
  const file = new URL(`${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`, RESULTS);
  writeFileSync(file, `${JSON.stringify({ target: name, results }, null, 1)}\n`);
}

function testCase(target: Target, section: string, one: Case, inside: Result['inside'], results: Result[]): void {
  const title = `${one.name} (${inside})`;
  const inOrder = { concurrent: false };
  const reasonIn = (reasons: Target['lacks']) => one.needs?.map((need) => reasons?.[need]).find(Boolean);
  const record = (outcome: Result['outcome'], reason?: string) =>
    results.push({ section, name: one.name, inside, outcome, ...(reason === undefined ? {} : { reason }) });

  const skipped = reasonIn(target.inapplicable);
  if (skipped !== undefined) {
    it(title, inOrder, ({ skip }) => {
      record('not applicable', skipped);
      skip(skipped);
    });
    return;
  }
  // What the validator refuses says nothing of the platform.
  const refused = inside === 'validator' ? one.refused : undefined;
  const lacked = refused === undefined ? reasonIn(target.lacks) : undefined;
  it(title, inOrder, async () => {
    const { send, recall } = client(target, one, inside === 'validator');
    const outcome = await (refused ?? one).check(send, recall).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (lacked === undefined) {
      record(outcome === undefined ? 'holds' : 'fails', outcome && String(outcome.error));
      if (outcome !== undefined) throw outcome.error;
    } else {
      record(outcome === undefined ? 'holds' : 'lacked', outcome && lacked);
      if (outcome === undefined) throw new Error(`this case holds now; it was expected to fail: ${lacked}`);
    }
  });
}

/** Sends and recalls for one run of a case. */
export function client(target: Target, one: Case, validated: boolean): { send: Send; recall: Recall } {
  const id = `${Date.now().toString(36)}-${++runs}`;
  const send: Send = (request = {}) =>
    target.send({
      ...request,
      headers: [
        ['X-Wsgi-Case', one.name],
        ['X-Wsgi-Run', id],
        ...(validated ? [['X-Wsgi-Validator', '1'] as [string, string]] : []),
        ...(request.headers ?? []),
      ],
    });
  const recall: Recall = async (until = () => true) => {
    for (let poll = 1; ; poll++) {
      const response = await target.send({ headers: [['X-Wsgi-Report', id]] });
      if (response.status !== 200) throw new Error(`the report came with status ${response.status}`);
      const report = JSON.parse(new TextDecoder().decode(response.body)) as Report;
      if (until(report) || poll === POLLS) return report;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { send, recall };
}
