import { WsgiError } from '../../src/errors.js';

/** The environment of PEP 508 markers in the interpreter that will run the application. */
const ENVIRONMENT: Record<string, string> = {
  os_name: 'posix',
  sys_platform: 'emscripten',
  platform_machine: 'wasm32',
  platform_python_implementation: 'CPython',
  platform_release: '5.0.3',
  platform_system: 'Emscripten',
  platform_version: '#1',
  python_version: '3.14',
  python_full_version: '3.14.2',
  implementation_name: 'cpython',
  implementation_version: '3.14.2',
};

const TOKEN = /\s*(?:(\(|\))|(<=|>=|===|==|!=|~=|<|>)|'([^']*)'|"([^"]*)"|([\w.]+))/y;

interface Value {
  text: string;
  /** Whether it is the name of a variable, and not a quoted string. */
  variable?: boolean;
}

/** Evaluates an environment marker (PEP 508) for Pyodide.
 *  @param extra  the extra that is asked for
 *  @throws {WsgiError} when it is not a marker */
export function evaluateMarker(marker: string, extra = ''): boolean {
  const tokens = tokensOf(marker);
  let at = 0;
  const fail = (): never => {
    throw new WsgiError(`build-python: ${JSON.stringify(marker)} is not an environment marker (PEP 508)`);
  };
  const peek = () => tokens[at]?.word;
  const value = (): Value => {
    const { word, quoted } = tokens[at++] ?? fail();
    if (quoted !== undefined) return { text: quoted };
    const text = word === 'extra' ? extra : ENVIRONMENT[(word ?? '').replace('.', '_')];
    return { text: text ?? fail(), variable: true };
  };
  const comparison = (): boolean => {
    if (peek() === '(') {
      at++;
      const inner = either();
      return tokens[at++]?.word === ')' ? inner : fail();
    }
    const left = value();
    let operator = tokens[at++]?.word ?? fail();
    if (operator === 'not') operator = `not ${tokens[at++]?.word}`;
    return compare(left, operator, value()) ?? fail();
  };
  const both = (): boolean => {
    let result = comparison();
    for (; peek() === 'and'; ) {
      at++;
      result = comparison() && result;
    }
    return result;
  };
  const either = (): boolean => {
    let result = both();
    for (; peek() === 'or'; ) {
      at++;
      result = both() || result;
    }
    return result;
  };
  const result = either();
  return at === tokens.length ? result : fail();
}

function tokensOf(marker: string): Array<{ word?: string; quoted?: string }> {
  const tokens: Array<{ word?: string; quoted?: string }> = [];
  const text = marker.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) return [];
    const [, bracket, operator, single, double, word] = match;
    const quoted = single ?? double;
    tokens.push(quoted === undefined ? { word: bracket ?? operator ?? word ?? '' } : { quoted });
  }
  return tokens;
}

const VERSION = /^\d+(\.\d+)*$/;

function compare(left: Value, operator: string, right: Value): boolean | undefined {
  if (operator === 'in') return right.text.includes(left.text);
  if (operator === 'not in') return !right.text.includes(left.text);
  if (operator === '===') return left.text === right.text;
  const wildcard = /^(\d+(?:\.\d+)*)\.\*$/.exec(right.text)?.[1];
  if (wildcard !== undefined && (operator === '==' || operator === '!='))
    return `${left.text}.`.startsWith(`${wildcard}.`) === (operator === '==');
  const versions = VERSION.test(left.text) && VERSION.test(right.text);
  if (operator === '~=') {
    const series = right.text.split('.').slice(0, -1).join('.');
    return versions ? byVersion(left.text, right.text) >= 0 && `${left.text}.`.startsWith(`${series}.`) : undefined;
  }
  const order = versions ? byVersion(left.text, right.text) : left.text < right.text ? -1 : +(left.text > right.text);
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
  return undefined;
}

/** Orders versions of numbers; 3.14 equals 3.14.0. */
function byVersion(left: string, right: string): number {
  const [a, b] = [left.split('.').map(Number), right.split('.').map(Number)];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
