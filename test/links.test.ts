// The links of the documents lead somewhere.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, text = '']) =>
    text
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const DOCUMENTS = globSync([
  '*.md',
  'docs/**/*.md',
  'bench/*.md',
  'examples/*/README.md',
  'emulation/*/README.md',
  'test/*.md',
]).filter((file) => !file.startsWith('docs/api/')); // made by site/reference.ts

it.each(DOCUMENTS)('%s', (file) => {
  const text = readFileSync(file, 'utf8').replace(/```[\s\S]*?```|`[^`]*`/g, '');
  const broken = Array.from(text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g), ([, link = '']) => link).filter(
    (link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(target)) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
    },
  );
  expect(broken).toEqual([]);
});
