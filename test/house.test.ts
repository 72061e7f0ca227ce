import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

// The rules of the house that the text of the files can prove: the direction of imports, the place of some kinds of code,
// and the length of functions and of the README. A failure lists each file that breaks the rule.

interface Source {
  path: string;
  area: string;
  lines: string[];
  /** The text without comments. */
  text: string;
  /** Specifiers of imports, as they are written. */
  imports: string[];
}

// Imports go one way: each area imports from itself and from the areas listed here. Other folders may import everything.
const MAY_IMPORT: Record<string, string[]> = {
  src: [],
  targets: ['src'],
  http: ['src'],
  python: ['src'],
  opentelemetry: ['src'],
  testing: ['src', 'targets', 'python'],
  middleware: ['src'],
  emulation: ['src', 'targets', 'python', 'testing'],
  command: ['src', 'python'],
};

function areaOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

const sources: Source[] = globSync(Object.keys(MAY_IMPORT).map((folder) => `${folder}/**/*.ts`))
  .filter((path) => !path.includes('node_modules'))
  .map((path) => {
    const whole = readFileSync(path, 'utf8');
    // A string such as '/*' must not start a comment.
    const text = whole.replace(/(^|\s)(?:\/\/ .*|\/\*\*[\s\S]*?\*\/)/gm, '$1');
    const imports = [...text.matchAll(/(?:\bfrom|\bimport\(|^import) ?'([^']+)'/gm)].map(([, name = '']) => name);
    return { path, area: areaOf(path), lines: whole.split('\n'), text, imports };
  });

// A compiled file stands for its source.
const relative = ({ path, imports }: Source): string[] =>
  imports.filter((name) => name.startsWith('.')).map((name) => join(dirname(path), name).replace(/^dist\//, ''));

// "targets/node" of "targets/node/serve.ts".
const targetOf = (path: string): string => path.split('/', 2).join('/');

test('imports go one way', () => {
  const breaches = sources.flatMap((source) =>
    relative(source)
      .filter((imported) => {
        const area = areaOf(imported);
        if (area !== source.area) return !MAY_IMPORT[source.area]?.includes(area);
        return area === 'targets' && targetOf(imported) !== targetOf(source.path);
      })
      .map((imported) => `${source.path} imports ${imported}`),
  );
  expect(breaches, 'cli, bench, scripts -> emulation -> testing -> one target, python, middleware -> src').toEqual([]);
});

test('docs/ARCHITECTURE.md has each area and each room in it', () => {
  const text = readFileSync('docs/ARCHITECTURE.md', 'utf8');
  const rooms = new Set(sources.flatMap(({ path, area }) => [area, path.split('/').slice(1, -1)[0] ?? area]));
  // The templates of projects are no part of the program.
  rooms.delete('templates');
  expect([...rooms].filter((room) => !text.includes(`${room}/`))).toEqual([]);
});

test('src imports no package and no Node module, and middleware and the Cloudflare target no Node module', () => {
  const breaches = sources.flatMap(({ path, imports }) =>
    imports
      .filter((name) => (path.startsWith('src/') ? !name.startsWith('.') : name.startsWith('node:')))
      .filter(() => /^(src|middleware|targets\/cloudflare)\//.test(path))
      .map((name) => `${path} imports ${name}`),
  );
  expect(breaches).toEqual([]);
});

test('http imports only the parsers that are bundled with it', () => {
  const packages = sources
    .filter(({ area }) => area === 'http')
    .flatMap(({ imports }) => imports.filter((name) => !name.startsWith('.')));
  expect(packages.sort()).toEqual(['cookie', 'path-to-regexp']);
});

test('http stays a toolkit: at most 500 lines of code', () => {
  // Without comments, blank lines, imports and the list of exports.
  const code = sources
    .filter(({ area }) => area === 'http')
    .flatMap(({ text }) => text.replace(/^(import|export) (type )?(\{[^}]*\}|\w+) from .*$/gm, '').split('\n'))
    .filter((line) => line.trim() !== '');
  expect(code.length).toBeLessThanOrEqual(500);
});

test('no file imports the package by its name, which would load the modules twice', () => {
  // written.ts has the import in a template of generated code. The command has files of its own in dist/.
  const breaches = sources.filter(({ path, imports }) =>
    imports.some(
      (name) => name.startsWith('wsgi-edge') && !path.startsWith('command/') && !path.endsWith('/written.ts'),
    ),
  );
  expect(breaches.map(({ path }) => path)).toEqual([]);
});

const ALL = /^/;
const SRC = /^src\//;
const NOWHERE = /$^/;

test.each<[rule: string, checked: RegExp, room: RegExp, pattern: RegExp]>([
  [
    'Request, Response and Headers: src/fetch',
    SRC,
    /^src\/fetch\b/,
    /\b(?<!')(Request(?! Header| id)|Response|Headers)\b(?!')/,
  ],
  ['the set of required keys: src/environ', ALL, /^src\/(environ|types)\.ts$/, /'wsgi\.(multithread|multiprocess)':/],
  [
    'encodings: src/native-string',
    /^(src|targets\/(cloudflare|node|aws-lambda))\//,
    /^src\/(native-string|headers)\.ts$/,
    /\b(charCodeAt|fromCharCode)\b|= new Text(En|De)coder\b/,
  ],
  ['base64: AWS Lambda', /^(src|targets\/(cloudflare|node))\//, NOWHERE, /\b(atob|btoa|base64)\b/i],
  ['X-Forwarded-*: proxyFix and targets', SRC, /^src\/middleware\/proxy-fix\.ts$/, /X[-_]FORWARDED|CF[-_]CONNECTING/i],
  ['Buffer and process: targets/node, targets/aws-lambda', SRC, NOWHERE, /\bBuffer\b|\bprocess\./],
  ['a test for a platform: no file of src', SRC, NOWHERE, /\b(target|platform)\s*[!=]==/],
])('the only room of %s', (_, checked, room, pattern) => {
  const breaches = sources
    .filter(({ path, text }) => checked.test(path) && !room.test(path) && pattern.test(text))
    .map(({ path, text }) => `${path} has ${pattern.exec(text)?.[0]}`);
  expect(breaches).toEqual([]);
});

const LONGEST = 60; // lines
const TODAY = /^(src|http|middleware|opentelemetry|targets|python|testing|command)\//;

// The lines from the one with the opening brace to the one with the closing brace, which the formatter indents alike.
// Blank lines do not count, comments do. Biome's noExcessiveLinesPerFunction finds only some: it leaves out comments and
// most lines that begin with a closing brace, and counts 65 lines for a function of 86.
function lengthOf(lines: string[], start: number): number {
  const indent = lines[start]?.search(/\S/) ?? 0;
  const end = lines.findIndex((line, at) => at > start && line.startsWith(`${' '.repeat(indent)}}`));
  return lines.slice(start, end + 1).filter((line) => line.trim() !== '').length;
}

test(`no function has more than ${LONGEST} lines`, () => {
  const breaches = sources
    .filter(({ path }) => TODAY.test(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, at) => {
        const isFunction =
          /(=>|\)|\): .+) \{$/.test(line) && !/^\s*(\} )?(if|else|for|while|switch|catch)\b/.test(line);
        const length = isFunction ? lengthOf(lines, at) : 0;
        return length > LONGEST ? [`${path}:${at + 1} has ${length} lines`] : [];
      }),
    );
  expect(breaches).toEqual([]);
});

test('every development dependency is used', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: object };
  const exclude = (name: string) => name === 'package-lock.json' || /(^|\/)(node_modules|dist|build)$/.test(name);
  const files = globSync(
    ['*.{json,ts,yml}', '{command,http,middleware,opentelemetry,targets,python,examples,scripts,test}/**/*.{json,ts}'],
    { exclude },
  );
  const texts = files.filter((path) => path !== 'package.json').map((path) => readFileSync(path, 'utf8'));
  const unused = Object.keys(devDependencies).filter((name) => {
    const use = new RegExp(`['"/]${name}['"/]|- ${name}$`, 'm');
    return !texts.some((text) => use.test(text));
  });
  expect(unused).toEqual([]);
});

test('the README has at most 120 lines', () => {
  expect(readFileSync('README.md', 'utf8').split('\n').length).toBeLessThanOrEqual(120);
});
