// Prints docs/SPEC.md from the `//!` lines of src/validator/ and the clauses of test/spec/clauses.ts. With --check it says
// whether the page is current.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Clause, clauses } from '../test/spec/clauses.ts';

const PAGE = 'docs/SPEC.md';
const FOLDER = 'src/validator';
// In the order of the page.
const FILES = ['index.ts', 'environ.ts', 'streams.ts', 'start-response.ts', 'body.ts'];
const HEAD = `# The interface: PEP 3333 in TypeScript

[PEP 3333](https://peps.python.org/pep-3333/) states the duties of a gateway and an application to each other. This page says the
same for TypeScript, one sentence for each rule. \`validator(app)\` of \`wsgi-edge/validator\` checks every sentence at run
time, on both sides. At the end is a table of [every MUST and SHOULD of the PEP](#every-must-and-should-of-pep-3333).
\`npm run spec\` prints the page: do not edit it.

\`\`\`ts
type Body          = (Iterable<Uint8Array> | AsyncIterable<Uint8Array>) & { close?(): void | Promise<void> }
type Application   = (environ: Environ, startResponse: StartResponse) => Body | Promise<Body>
type HeaderList    = Array<[name: string, value: string]>
type StartResponse = (status: string, headers: HeaderList, excInfo?: unknown) => Write
type Write         = (data: Uint8Array) => Promise<void>
type Middleware    = (app: Application) => Application
\`\`\`
`;
const TABLE = `
## Every MUST and SHOULD of PEP 3333

The rows follow the order of the PEP, in our own words. A rule that permits something and so binds the other side is
listed as MAY. "Checked by" names a sentence above, which the validator checks, or the file that implements the rule.
"Cases" are names of the conformance suite (\`test/conformance\`), which runs on every target. If a column is empty, the
row gives the reason.
`;

/** The source of the validator that has the sentences: its files in the order of the page. */
export function readSource(): string {
  return FILES.map((file) => readFileSync(`${FOLDER}/${file}`, 'utf8')).join('');
}

/** The sentences of a source by section: a section for each \`//!#\` line, a sentence for each run of \`//!\` lines. */
export function sentencesOf(source: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let sentences: string[] = [];
  let continued = false;
  for (const line of source.split('\n')) {
    const [, mark, text] = /^\s*\/\/!(#?)\s*(.*)$/.exec(line) ?? [];
    if (text === undefined) continued = false;
    else if (mark === '#') {
      sentences = [];
      sections.set(text, sentences);
      continued = false;
    } else {
      // A line that starts with a capital or a name starts a sentence. Other lines continue the last one.
      if (!continued || /^([A-Z]|`)/.test(text)) sentences.push(text);
      else sentences.push(`${sentences.pop()} ${text}`);
      continued = true;
    }
  }
  return sections;
}

/** The page for the source of the validator. */
export function specOf(source: string): string {
  const sections = [...sentencesOf(source)];
  const references = new Map<string, string>();
  let page = HEAD;
  for (const [title, sentences] of sections) {
    page += `\n## ${title}\n\n`;
    for (const [index, sentence] of sentences.entries()) {
      page += `${index + 1}. ${sentence}\n`;
      references.set(sentence, `${title} ${index + 1}`);
    }
  }
  page += TABLE;
  for (const [title, rows] of Object.entries(clauses)) {
    page += `\n### ${title.replace('<', '&lt;')}\n\n| Level | The PEP | Here | Checked by | Cases |\n|---|---|---|---|---|\n`;
    for (const row of rows) page += `| ${cellsOf(row, references).join(' | ')} |\n`;
  }
  return page;
}

function cellsOf(clause: Clause, references: ReadonlyMap<string, string>): string[] {
  const { level, requirement, binding, check = [], where = [], cases = [], why } = clause;
  const checks = check.map((sentence) => {
    const reference = references.get(sentence);
    if (reference === undefined) throw new Error(`spec: ${FOLDER} has no sentence "${sentence}"`);
    return reference;
  });
  const files = where.map((file) => `\`${file}\``);
  const reason = why === undefined ? [] : [`(${why})`];
  const last = cases.length === 0 ? reason : [...cases.map(inCell), ...reason];
  return [level, inCell(requirement), inCell(binding), [...checks, ...files].join('; '), last.join('; ')];
}

// Escapes the characters that Markdown would interpret in the text outside of code.
function inCell(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/[_*<[\]]/g, '\\$&')).replaceAll('|', '\\|'))
    .join('');
}

if (process.argv[1]?.endsWith('spec.ts')) {
  const page = specOf(readSource());
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
  else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
    console.error(`${PAGE} is not current; run: npm run spec`);
    process.exit(1);
  }
}
