import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { WsgiError } from '../../src/errors.js';
import { evaluateMarker } from './markers.js';

/** A package to install. */
export interface Requirement {
  name: string;
  /** The names of extras, in lower case. */
  extras: string[];
  /** The versions that it may have, such as "==1.0" or ">=1,<2". Empty if any will do. */
  specifier: string;
  /** Digests of the files that it may be, such as "sha256:0123…". Empty if any will do. */
  hashes: string[];
  /** The file and the line, for messages. */
  at: string;
}

/** The contents of a requirements.txt and of the files that it includes. */
export interface Requirements {
  requirements: Requirement[];
  constraints: Requirement[];
  /** The package index (--index-url), if the file names one. */
  index?: string;
  extraIndexes: string[];
  /** True if every file needs a digest: the option --require-hashes, or a digest for any of them. */
  hashed: boolean;
  pre: boolean;
}

/** Reads a requirements.txt in the format of pip. Lines whose environment marker is false for Pyodide are left out.
 *  @param cwd  the folder that messages name files from
 *  @throws {WsgiError} with file and line, on a line that the build can't obey */
export function readRequirements(file: string, cwd: string): Requirements {
  const read: Requirements = { requirements: [], constraints: [], extraIndexes: [], hashed: false, pre: false };
  readInto(read, file, read.requirements, cwd, []);
  if ([...read.requirements, ...read.constraints].some(({ hashes }) => hashes.length > 0)) read.hashed = true;
  return read;
}

function readInto(read: Requirements, file: string, list: Requirement[], cwd: string, outer: string[]): void {
  const shown = relative(cwd, file) || file;
  if (outer.includes(file)) throw new WsgiError(`build-python: ${shown} includes itself`);
  if (!existsSync(file)) throw new WsgiError(`build-python: there is no file ${shown}`);
  for (const { text, number } of logicalLines(readFileSync(file, 'utf8'))) {
    const at = `${shown}:${number}`;
    if (!text.startsWith('-')) {
      const requirement = parseRequirement(text, at);
      if (requirement !== undefined) list.push(requirement);
      continue;
    }
    const [, option = '', quoted = ''] = /^(--[\w-]+|-\w)(?:\s*=\s*|\s+|(?<=^-\w))?(.*)$/.exec(text) ?? [];
    const value = quoted.replace(/^(["'])(.*)\1$/, '$2');
    const included = INCLUDES[option];
    if (included === undefined) obeyOption(read, option, value, text, at);
    else if (/^\w+:\/\//.test(value)) refuse(text, at, 'only files of this machine can be included');
    else {
      const nested = included === 'constraints' ? read.constraints : list;
      readInto(read, resolve(dirname(file), value), nested, cwd, [...outer, file]);
    }
  }
}

const INCLUDES: Record<string, 'requirements' | 'constraints'> = {
  '-r': 'requirements',
  '--requirement': 'requirements',
  '-c': 'constraints',
  '--constraint': 'constraints',
};

function obeyOption(read: Requirements, option: string, value: string, text: string, at: string): void {
  switch (option) {
    case '-i':
    case '--index-url':
      if (read.index !== undefined && read.index !== value)
        refuse(text, at, `the requirements already name the index ${withoutPassword(read.index)}`);
      read.index = value;
      return;
    case '--extra-index-url':
      read.extraIndexes.push(value);
      return;
    case '--require-hashes':
      read.hashed = true;
      return;
    case '--pre':
      read.pre = true;
      return;
    case '--only-binary': // the build takes nothing but wheels
    case '--prefer-binary':
      return;
  }
  const editable = option === '-e' || option === '--editable';
  refuse(text, at, editable ? FROM_INDEX : `the build does not know the option ${option || text}`);
}

const FROM_INDEX = 'the build installs packages only from an index, by name and version';

const REQUIREMENT = /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)$/;
const SPECIFIER = /^\(?\s*((?:(?:===|==|~=|!=|<=|>=|<|>)\s*[\w.*!+-]+\s*,?\s*)*)\)?$/;

function parseRequirement(text: string, at: string): Requirement | undefined {
  const [requirement = '', ...options] = text.split(/\s+(?=--)/);
  const hashes = options.map((option) => {
    const [, hash] = /^--hash(?:\s*=\s*|\s+)(\w+:[0-9a-fA-F]+)$/.exec(option.trim()) ?? [];
    return hash?.toLowerCase() ?? refuse(text, at, `the build does not know the option ${option}`);
  });
  const [beforeMarker = '', ...marker] = requirement.split(';');
  const [, name = '', extras = '', rest = ''] = REQUIREMENT.exec(beforeMarker.trim()) ?? [];
  if (name === '' || rest.startsWith('@') || /^[+:/\\]|\.(whl|zip|tar\.gz)$/.test(rest || name))
    return refuse(text, at, FROM_INDEX);
  const [, specifier] = SPECIFIER.exec(rest) ?? [];
  if (specifier === undefined) return refuse(text, at, 'it is not like "name==version"');
  if (marker.length > 0 && !obeyMarker(marker.join(';'), at)) return undefined;
  return {
    name,
    extras: extras
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean),
    specifier: specifier.replace(/\s+/g, ''),
    hashes,
    at,
  };
}

function obeyMarker(marker: string, at: string): boolean {
  try {
    return evaluateMarker(marker);
  } catch (error) {
    throw new WsgiError(`${(error as Error).message} (${at})`, { cause: error });
  }
}

function refuse(line: string, at: string, reason: string): never {
  throw new WsgiError(
    `build-python: ${at}: ${withoutPassword(line)}: ${reason}: change the line, or install with pip install --target DIR and give --packages DIR`,
  );
}

/** Removes the name and password from URLs, for messages. */
export const withoutPassword = (text: string): string => text.replace(/(\w+:\/\/)[^/@\s]+@/g, '$1');

/** Joins the lines that end with a backslash, and drops comments, as pip does. Variables like ${TOKEN} are replaced. */
function logicalLines(text: string): Array<{ text: string; number: number }> {
  const lines: Array<{ text: string; number: number }> = [];
  let open: { text: string; number: number } | undefined;
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .forEach((line, index) => {
      const comment = /^\s*#/.test(line);
      const continued = line.endsWith('\\') && !comment;
      const part = continued ? line.slice(0, -1) : comment ? ` ${line}` : line;
      open = { text: `${open?.text ?? ''}${part}`, number: open?.number ?? index + 1 };
      if (continued) return;
      lines.push(open);
      open = undefined;
    });
  if (open !== undefined) lines.push(open);
  return lines
    .map(({ text, number }) => ({ text: withVariables(text.replace(/(^|\s+)#.*$/, '').trim()), number }))
    .filter(({ text }) => text !== '');
}

const withVariables = (line: string): string =>
  line.replace(/\$\{([A-Z0-9_]+)\}/g, (text, name: string) => process.env[name] ?? text);

/** The name of a package as indexes compare it (PEP 503). */
export const normalName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');
