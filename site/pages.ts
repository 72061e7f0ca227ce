// The pages of docs/ in the order of the sidebar. A page that is new in a folder appears without a change here.
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { subpathsOf } from './reference.ts';

export const DOCS = resolve(import.meta.dirname, '../docs');

export interface Page {
  title: string;
  /** The path in docs/, as in "start/flask.md". */
  path: string;
}

export interface Group {
  title: string;
  pages: Page[];
}

const GUIDES = [
  'requests-and-responses',
  'forms-and-uploads',
  'middleware',
  'streaming',
  'errors-and-logs',
  'testing',
  'static-files',
  'bindings-and-types',
  'databases',
  'bun-and-deno',
];

// The title of a folder, and its pages that do not come in the order of their titles.
const FOLDERS: Record<string, { title: string; first?: string[] }> = {
  start: { title: 'Start', first: ['flask', 'django', 'typescript'] },
  guides: { title: 'Guides', first: GUIDES },
  deploy: { title: 'Deploy' },
  migrate: { title: 'Migrate' },
  learn: { title: 'Learn' },
  '.': { title: 'Help' },
};

function titleOf(path: string): string {
  const [, title] = /^# (.+)$/m.exec(readFileSync(`${DOCS}/${path}`, 'utf8')) ?? [];
  if (title === undefined) throw new Error(`docs/${path} has no heading`);
  return title.replaceAll('`', '');
}

const pagesOf = (paths: string[]): Page[] => paths.map((path) => ({ title: titleOf(path), path }));

const isReference = (path: string): boolean => /^[A-Z-]+\.md$/.test(path);

const written = globSync('**/*.md', { cwd: DOCS })
  .filter((path) => path !== 'index.md' && !path.startsWith('api/'))
  .sort();

/** The pages that explain, by their folders. */
export function guides(): Group[] {
  const paths = written.filter((path) => !isReference(path));
  const names = new Set([...Object.keys(FOLDERS), ...paths.map((path) => dirname(path))]);
  const all = Array.from(names, (name) => {
    const { title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`, first = [] } = FOLDERS[name] ?? {};
    const rank = ({ path }: Page) => {
      const at = first.indexOf(path.replace(/^.*\/|\.md$/g, ''));
      return at < 0 ? first.length : at;
    };
    const pages = pagesOf(paths.filter((path) => dirname(path) === name));
    return { title, pages: pages.sort((a, b) => rank(a) - rank(b) || a.title.localeCompare(b.title)) };
  });
  return all.filter(({ pages }) => pages.length > 0);
}

/** The pages to look things up in: the long ones, and those made of the doc comments. */
export function reference(): Group[] {
  return [
    { title: 'Reference', pages: pagesOf(written.filter(isReference)) },
    { title: 'API', pages: subpathsOf().map(({ subpath }) => ({ title: subpath, path: `api/${subpath}.md` })) },
  ];
}
