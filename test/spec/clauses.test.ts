import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSource, sentencesOf, specOf } from '../../scripts/spec.ts';
import { cases } from '../conformance/cases.js';
import { clauses } from './clauses.ts';

const source = readSource();
const sentences = [...sentencesOf(source).values()].flat();
const names = new Set(cases.map((one) => one.name));
const rows = Object.entries(clauses).flatMap(([section, list]) =>
  list.map((clause) => [`${section}: ${clause.requirement}`, clause] as const),
);

describe('docs/SPEC.md', () => {
  it('is current', () => {
    expect(readFileSync('docs/SPEC.md', 'utf8') === specOf(source), 'not current; run: npm run spec').toBe(true);
  });

  it('has the sentences of every file of the validator', () => {
    const files = readdirSync('src/validator').map((file) => readFileSync(`src/validator/${file}`, 'utf8'));
    const all = files.flatMap((text) => [...sentencesOf(text).values()].flat());
    expect(all.sort()).toEqual([...sentences].sort());
  });

  it('says nothing twice', () => {
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});

describe('the clauses of PEP 3333', () => {
  it.each(rows)('%s', (_, { check = [], where = [], cases: shown = [], why }) => {
    expect(check.filter((sentence) => !sentences.includes(sentence))).toEqual([]);
    expect(where.filter((file) => !existsSync(file))).toEqual([]);
    expect(shown.filter((name) => !names.has(name))).toEqual([]);
    if (check.length + where.length === 0 || shown.length === 0) expect(why).toBeTruthy();
  });

  it('stand once each', () => {
    expect(new Set(rows.map(([title]) => title)).size).toBe(rows.length);
  });
});
