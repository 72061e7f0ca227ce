import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cases } from './conformance/cases.js';

const page = readFileSync('docs/THREATS.md', 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (tries|does|fault) \|/.test(line));
const names = new Set(cases.map(({ name }) => name));

describe('docs/THREATS.md', () => {
  it.each(rows)('%s', (row) => {
    const reference = row.split(' | ').at(-1)?.replace(/ \|$/, '') ?? '';
    const [, file, title] = /^`(test\/[\w/.-]+)`: (.*)$/.exec(reference) ?? [];
    if (file === undefined) expect([...names]).toContain(reference.replace(/^conformance: /, ''));
    else expect(readFileSync(file, 'utf8')).toContain(`'${title}'`);
  });
});
