import { WsgiError } from '../../src/errors.js';

/** Patterns of paths, as in .gitignore, but only with `*`, `?` and `**`: a pattern without a slash is a name at any depth, one
 *  with a slash starts from the root. `*` stands for a part of a name, `?` for a character, and `**` for any folders. A pattern of
 *  a folder matches everything in it. */
export interface Patterns {
  matches(path: string): boolean;
  /** Tells whether something in a folder may match. */
  leadsInto(folder: string): boolean;
  /** Tells whether a pattern without wildcards is this file. */
  names(path: string): boolean;
}

/** @throws {WsgiError} on the other signs of .gitignore: a `[`, and a `!` at the beginning */
export function patternsOf(texts: string[]): Patterns {
  const compiled = texts.map((text) => {
    const sign = /^!|\[/.exec(text)?.[0];
    if (sign !== undefined)
      throw new WsgiError(
        `build-python: the pattern ${JSON.stringify(text)} has ${sign}, and only *, ? and ** have a meaning: ${INSTEAD[sign]}`,
      );
    const segments = text.replace(/^\.?\/+|\/+$/g, '').split('/');
    const anchored = /^\.?\/|[^/]\/[^/]/.test(text);
    const whole = new RegExp(`^${anchored ? '' : '(?:.*/)?'}${segments.map(sourceOf).join('')}$`);
    return { segments, anchored, whole, exact: !/[*?]/.test(text) };
  });
  return {
    matches: (path) => compiled.some(({ whole }) => withFolders(path).some((part) => whole.test(part))),
    leadsInto: (folder) =>
      compiled.some(({ segments, anchored }) => anchored && folder.split('/').every(segmentsMatch(segments))),
    names: (path) => compiled.some(({ whole, exact }) => exact && whole.test(path)),
  };
}

const INSTEAD: Record<string, string> = {
  '!': 'leave files out with --exclude (exclude), and ship them with --include (include)',
  '[': 'write a pattern for each name, or ? in its place',
};

/** "a", "a/b" and "a/b/c" of "a/b/c". */
const withFolders = (path: string): string[] =>
  path.split('/').map((_, index, segments) => segments.slice(0, index + 1).join('/'));

function sourceOf(segment: string, index: number, segments: string[]): string {
  const last = index === segments.length - 1;
  if (segment === '**') return last ? '.*' : '(?:[^/]+/)*';
  return `${nameSource(segment)}${last ? '' : '/'}`;
}

const nameSource = (segment: string): string =>
  segment
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');

/** Compares the names of a path with the beginning of a pattern. */
function segmentsMatch(segments: string[]): (name: string, index: number) => boolean {
  const wild = segments.indexOf('**');
  return (name, index) =>
    (wild >= 0 && index >= wild) ||
    (index < segments.length - 1 && new RegExp(`^${nameSource(segments[index] ?? '')}$`).test(name));
}
