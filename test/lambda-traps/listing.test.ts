import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { IDS } from './ids.js';

const folder = new URL('./', import.meta.url);
const page = readFileSync(new URL('../../docs/TARGETS.md', import.meta.url), 'utf8');
const section = page.split('\n## ').find((part) => part.startsWith('Known traps of Lambda adapters')) ?? '';

/** The ids of the titles in a test file. */
const titled = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => {
      const source = readFileSync(new URL(file, folder), 'utf8');
      const titles = [...source.matchAll(/['"`]((?:[A-Z]-\d\d(?:, )?)+): /g)];
      return [file.replace('.test.ts', ''), new Set(titles.flatMap(([, ids]) => ids?.split(', ') ?? []))] as const;
    }),
);
const rows = section
  .split('\n')
  .filter((line) => /^\| [A-Z]-\d\d/.test(line))
  .map((line) => line.slice(2, -2).split(' | '))
  .map(([ids = '', ...cells]) => ({ ids: ids.split(', '), cells }));
const done = rows.filter(({ cells }) => cells.length === 2);
const inapplicable = rows.filter(({ cells }) => cells.length === 1).flatMap(({ ids }) => ids);

test.each(IDS)('%s starts the title of a test, or the page says why it does not apply', (id) => {
  const tested = [...titled.values()].some((ids) => ids.has(id));
  expect(tested).toBe(!inapplicable.includes(id));
});

test('the page has each id once, and the file with its test', () => {
  expect(rows.flatMap(({ ids }) => ids).sort()).toEqual([...IDS].sort());
  for (const { ids, cells } of done) {
    const file = cells[1]?.replaceAll('`', '') ?? '';
    for (const id of ids) expect(titled.get(file)?.has(id), `${id} in ${file}`).toBe(true);
  }
});
