// Counts constructions that read as if translated, in comments and Markdown, per 1,000 words. Ends with 1 above the limit.
// With --list, prints each of them.
import { globSync, readFileSync } from 'node:fs';

const LIMIT = 3; // per 1,000 words
const FOLDERS = 'src,http,middleware,opentelemetry,targets,python,testing,emulation,command,scripts,site';

const PATTERNS = [
  // Nouns that are made with a pronoun: name the thing instead.
  /\b(?:what|whatever)\b(?!'s\b| if\b)/g,
  // A condition takes if or when.
  /\bwhere (?:the|a|an|it|they|that|there|nobody|neither|no|one)\b/g,
  /\b(?:likewise|by itself|as well(?! as)|all the same(?! \w)|anew|in place of|but for|(?:of|for) which)\b/gi,
  /\b(?:is|are|was|were) to (?:be|come|go)\b/g,
  /\b(?:is|are|was|were) no (?!longer\b|more\b)[a-z]/g,
  /\b[a-z]+ alone\b/g,
  /(?<=^|[.:!?] )(?:What|Where|Of|Not|Whether|Nor|Those|All)\b/g,
];

interface Found {
  file: string;
  text: string;
}

/** Returns the comments of a source; lines that follow each other are one. */
function commentsOf(source: string): string[] {
  const blocks = [...source.matchAll(/\/\*\*([\s\S]*?)\*\//g)].map(([, text = '']) => text.replace(/^\s*\*/gm, ''));
  const lines = [...source.matchAll(/(?:^[ \t]*\/\/(?!!).*\n?)+/gm)].map(([text]) => text.replace(/^[ \t]*\/\//gm, ''));
  const ends = [...source.matchAll(/\S[ \t]+\/\/ (.+)$/gm)].map(([, text = '']) => text);
  // Examples are code, and a parameter may be named "what".
  return [...blocks, ...lines, ...ends].map((text) =>
    text.replace(/```[\s\S]*?```/g, '').replace(/@\w+( \w+ {2})?/g, ''),
  );
}

/** Returns the paragraphs of a page, without tables and code. */
function paragraphsOf(page: string): string[] {
  const prose = page.replace(/```[\s\S]*?```/g, '').replace(/^\s*\|.*$/gm, '');
  return prose.split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/).map((text) => text.replace(/^\s*(?:[-*#]+|\d+\.) /, ''));
}

/** Prints the figure of some files, and returns it. */
function measure(name: string, files: string[], split: (text: string) => string[]): number {
  let words = 0;
  const found: Found[] = [];
  for (const file of files) {
    for (const part of split(readFileSync(file, 'utf8'))) {
      const text = part.replace(/\s+/g, ' ').trim();
      words += text.match(/[a-z']+/gi)?.length ?? 0;
      for (const pattern of PATTERNS)
        for (const { index } of text.matchAll(pattern)) found.push({ file, text: text.slice(index, index + 60) });
    }
  }
  if (process.argv.includes('--list')) for (const { file, text } of found) console.log(`${file}: ${text}`);
  const rate = (found.length / Math.max(words, 1)) * 1000;
  console.log(`${name}: ${rate.toFixed(1)} translated constructions per 1,000 words (limit ${LIMIT}, ${words} words)`);
  return rate;
}

const exclude = (name: string) => name.includes('node_modules') || /\.test\.ts$|\.d\.ts$/.test(name);
const sources = globSync(`{${FOLDERS}}/**/*.ts`, { exclude });
// The pages of docs/api are made of comments, which count above.
const pages = globSync(['*.md', 'docs/**/*.md'], { exclude }).filter((path) => !path.startsWith('docs/api/'));
const rates = [measure('comments', sources, commentsOf), measure('Markdown', pages, paragraphsOf)];
if (rates.some((rate) => rate > LIMIT)) process.exitCode = 1;
