// The files that a page of docs/ shows, by the sentence that names each of them.
import { readFileSync } from 'node:fs';

/** Returns the first code block below the name of a file, which stands in backquotes.
 *  @throws {Error} when the page does not name the file, or no block follows */
export function fileIn(page: string, name: string): string {
  const text = readFileSync(page, 'utf8');
  const at = text.indexOf(`\`${name}\``);
  const [, code] = /^```\w*\n([\s\S]*?)^```/m.exec(text.slice(at)) ?? [];
  if (at < 0 || code === undefined) throw new Error(`${page} has no ${name}`);
  return code;
}

/** Returns all code blocks of a page in one language. */
export const blocksIn = (page: string, language: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  );
