// Prints docs/SPEC.md from the `//!` lines of src/validator.ts; with --check it says whether the page is current.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const PAGE = 'docs/SPEC.md';
const HEAD = `# The interface: PEP 3333 in TypeScript

[PEP 3333](https://peps.python.org/pep-3333/) says what a gateway and an application owe each other. This page says the
same for TypeScript, sentence by sentence; \`validator(app)\` of \`wsgi-edge/validator\` checks each of them, on both sides,
at run time. The page is printed from that file by \`npm run spec\`: do not edit it.

\`\`\`ts
type Body          = (Iterable<Uint8Array> | AsyncIterable<Uint8Array>) & { close?(): void | Promise<void> }
type Application   = (environ: Environ, startResponse: StartResponse) => Body | Promise<Body>
type HeaderList    = Array<[name: string, value: string]>
type StartResponse = (status: string, headers: HeaderList, excInfo?: unknown) => Write
type Write         = (data: Uint8Array) => Promise<void>
type Middleware    = (app: Application) => Application
\`\`\`
`;

/** The specification that a source file holds: a section for each \`//!#\` line, a sentence for each run of \`//!\` lines. */
export function specOf(source: string): string {
  let page = HEAD;
  let continued = false;
  for (const line of source.split('\n')) {
    const [, mark, text] = /^\s*\/\/!(#?)\s*(.*)$/.exec(line) ?? [];
    if (text === undefined) continued = false;
    else if (mark === '#') {
      page += `\n## ${text}\n\n`;
      continued = false;
    } else {
      // A line that starts with a capital or a name starts a sentence; others go on with the last one.
      const starts = !continued || /^([A-Z]|`)/.test(text);
      page = starts ? `${page}- ${text}\n` : `${page.trimEnd()} ${text}\n`;
      continued = true;
    }
  }
  return page;
}

if (process.argv[1]?.endsWith('spec.ts')) {
  const page = specOf(readFileSync('src/validator.ts', 'utf8'));
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
  else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
    console.error(`${PAGE} is not current; run: npm run spec`);
    process.exit(1);
  }
}
