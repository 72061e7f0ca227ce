import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

/** Makes links that lead out of docs/ lead to the repository, or plain text if its address is not known.
 *  @param docs  the folder of the pages
 *  @param source  the address of the repository on the web */
export function linksOutside(
  md: MarkdownRenderer,
  { docs, source }: { docs: string; source: string | undefined },
): void {
  md.core.ruler.push('links-outside', ({ tokens, env }) => {
    for (const { children } of tokens) {
      let dropped = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const target = outside(docs, dirname(env.path), String(token.attrGet('href')));
          dropped = target !== undefined && source === undefined;
          if (target !== undefined && source !== undefined) token.attrSet('href', `${source}/blob/HEAD/${target}`);
        }
        if (dropped && /^link_/.test(token.type)) Object.assign(token, { type: 'text', content: '', tag: '' });
      }
    }
  });
}

/** The path from the root of the repository that a link outside of docs/ leads to; undefined for any other link. */
function outside(docs: string, folder: string, href: string): string | undefined {
  if (!href.startsWith('.')) return undefined;
  const path = relative(join(docs, '..'), join(folder, href));
  if (path.startsWith('docs/')) return undefined;
  if (!existsSync(join(docs, '..', path.replace(/#.*/, ''))))
    throw new Error(`${folder} links to ${href}, which does not exist`);
  return path;
}

/** Makes an ordinary cell of an empty header of a table, which has nothing to tell a screen reader. */
export function emptyHeaders(md: MarkdownRenderer): void {
  md.core.ruler.push('empty-headers', ({ tokens }) => {
    tokens.forEach((token, at) => {
      if (token.type !== 'th_open' || tokens[at + 1]?.content !== '') return;
      token.tag = 'td';
      Object.assign(tokens[at + 2] as object, { tag: 'td' });
    });
  });
}
