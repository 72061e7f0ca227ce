import { type ParseArgsConfig, parseArgs } from 'node:util';
import { WsgiError } from '../src/errors.js';

/** An option of a command. */
interface Option {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** The value of an option that is given without one. */
  bare?: string;
  /** The name of the value in the help. */
  value?: string;
  help: string;
}

/** The values of options, by name. */
export type Values = Record<string, string | boolean | Array<string | boolean> | undefined>;

/** A command with its options. */
export interface Command {
  /** The arguments that are not options, such as "APPLICATION [PATH]". */
  operands: string;
  summary: string;
  options: Record<string, Option>;
  run(operands: string[], values: Values): Promise<void>;
}

/** Reads the arguments of a command.
 *  @returns undefined if they ask for help
 *  @throws {WsgiError} on an unknown option, a missing value, and too few or too many operands */
export function parseCommand(
  name: string,
  command: Command,
  args: string[],
): { operands: string[]; values: Values } | undefined {
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as NonNullable<
    ParseArgsConfig['options']
  >;
  const bared = (arg: string) => {
    const bare = arg.startsWith('--') ? command.options[arg.slice(2)]?.bare : undefined;
    return bare === undefined ? arg : `${arg}=${bare}`;
  };
  const again = `wsgi-edge ${name} --help lists the options`;
  try {
    const { values, positionals } = parseArgs({ args: args.map(bared), options, allowPositionals: true });
    if (values.help) return undefined;
    const names = command.operands.split(' ');
    const required = names.filter((operand) => !operand.startsWith('['));
    if (positionals.length < required.length || positionals.length > names.length)
      throw new WsgiError(`wsgi-edge: usage: wsgi-edge ${name} ${command.operands}; ${again}`);
    return { operands: positionals, values };
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new WsgiError(
      `wsgi-edge ${name}: ${(error as Error).message.replace(/\. To specify a positional.*$/s, '')}; ${again}`,
    );
  }
}

const WIDTH = 110; // characters

/** The help of a command, or the list of all. */
export function usageOf(commands: Record<string, Command>, name?: string): string {
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const rows = Object.entries(commands).map(([each, { operands, summary }]): Row => [`${each} ${operands}`, summary]);
    return `Usage: wsgi-edge COMMAND [options]\n\n${columns(rows)}\n\nwsgi-edge COMMAND --help lists the options of a command.`;
  }
  const rows = Object.entries(command.options).map(
    ([option, { short, value, bare, help }]): Row => [
      `${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : bare === undefined ? ` ${value}` : `[=${value}]`}`,
      help,
    ],
  );
  return `Usage: wsgi-edge ${name} ${command.operands} [options]\n\n${command.summary}\n\n${columns(rows)}`.trimEnd();
}

type Row = [left: string, right: string];

function columns(rows: Row[]): string {
  const left = Math.max(...rows.map(([text]) => text.length)) + 2;
  const lines = rows.flatMap(([first, text]) =>
    wrap(text, WIDTH - left).map((line, at) => `${(at === 0 ? first : '').padEnd(left)}${line}`),
  );
  return lines.join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1] ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

/** The value of an option that was given once. */
export const textOf = (given: Values[string]): string | undefined => (given === undefined ? undefined : String(given));

/** The values of an option that may be given again. */
export const textsOf = (given: Values[string]): string[] => (given === undefined ? [] : [given].flat().map(String));

/** Reads the value of an option that is a number.
 *  @throws {WsgiError} on another value */
export function numberOf(option: string, given: Values[string], usual: number, least: number, most: number): number {
  const number = given === undefined ? usual : Number(given);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new WsgiError(
      `wsgi-edge: --${option} must be a number from ${least} to ${most}, not ${JSON.stringify(given)}`,
    );
  return number;
}
