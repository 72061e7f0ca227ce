// The code of pages in Markdown, as a reader would copy it into a folder.
import { readFileSync } from 'node:fs';

export interface Block {
  /** "ts", "python", "sh" … */
  language: string;
  code: string;
  /** The file that the text above names, as in "`app.ts`, for Node:". */
  file: string | undefined;
}

/** The code blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: code = '', index }) => {
    const above = text.slice(0, index).trimEnd().split('\n\n').at(-1) ?? '';
    const [, file] = /(?:^|[.;] )`([\w./-]+\.\w+)`(?:(?![.;] )[\s\S])*:$/.exec(above) ?? [];
    return { language, code, file };
  });
}

/** Returns the first code block of a page below the name of its file, which stands in backquotes.
 *  @throws {Error} when the page does not name the file, or no block follows */
export function fileIn(page: string, name: string): string {
  const text = readFileSync(page, 'utf8');
  const at = text.indexOf(`\`${name}\``);
  const [, code] = /^```\w*\n([\s\S]*?)^```$/m.exec(text.slice(at)) ?? [];
  if (at < 0 || code === undefined) throw new Error(`${page} has no ${name}`);
  return code;
}

/** Returns the code of all blocks of a page in one language. */
export const blocksIn = (page: string, language: string): string[] =>
  blocksOf(page).flatMap((block) => (block.language === language ? [block.code] : []));
