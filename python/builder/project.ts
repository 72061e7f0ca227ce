import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WsgiError } from '../../src/errors.js';
import type { Choice } from './collect.js';

const KEYS = ['exclude', 'include', 'languages'] as const;

/** Adds the table [tool.wsgi-edge] of pyproject.toml to a choice of files.
 *  @param folders  where pyproject.toml is looked for, in this order
 *  @throws {WsgiError} when the file is not TOML, or the table has other keys than lists of strings for `Choice` */
export function withProject(given: Partial<Choice>, folders: string[], parseToml: (text: string) => unknown): Choice {
  const file = folders.map((folder) => join(folder, 'pyproject.toml')).find(existsSync);
  const table = file === undefined ? {} : tableOf(file, parseToml);
  const [exclude, include, languages] = KEYS.map((key) => [...(table[key] ?? []), ...(given[key] ?? [])]);
  return { exclude: exclude ?? [], include: include ?? [], languages: languages ?? [] };
}

function tableOf(file: string, parseToml: (text: string) => unknown): Record<string, string[]> {
  const table = sectionOf(file, parseToml) ?? {};
  for (const [key, value] of Object.entries(table)) {
    if (!(KEYS as readonly string[]).includes(key))
      throw new WsgiError(
        `build-python: ${file}: [tool.wsgi-edge] has the key ${key}, and may have ${KEYS.join(', ')}`,
      );
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
      throw new WsgiError(`build-python: ${file}: ${key} of [tool.wsgi-edge] must be a list of strings`);
  }
  return table as Record<string, string[]>;
}

function sectionOf(file: string, parseToml: (text: string) => unknown): Record<string, unknown> | undefined {
  const text = readFileSync(file, 'utf8');
  // Most projects have no such table, and their file need not be parsed.
  if (!text.includes('wsgi-edge')) return undefined;
  try {
    const { tool } = parseToml(text) as { tool?: { 'wsgi-edge'?: Record<string, unknown> } };
    return tool?.['wsgi-edge'];
  } catch (error) {
    const reason = (error as Error).message.trimEnd().split('\n').at(-1);
    throw new WsgiError(`build-python: ${file} can not be read: ${reason}`, { cause: error });
  }
}
