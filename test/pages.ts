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
