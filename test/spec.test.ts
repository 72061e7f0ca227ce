import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { specOf } from '../scripts/spec.ts';

test('docs/SPEC.md is what the source says', () => {
  expect(readFileSync('docs/SPEC.md', 'utf8')).toBe(specOf(readFileSync('src/validator.ts', 'utf8')));
});
