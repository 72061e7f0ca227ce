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
  // No package is asked for an extra here.
  extra: '',
};

const TOKEN = /\s*(?:(\(|\))|(<=|>=|===|==|!=|~=|<|>)|'([^']*)'|"([^"]*)"|([\w.]+))/y;

/** Evaluates an environment marker (PEP 508) for Pyodide.
 *  @throws {WsgiError} when it is not a marker */
export function evaluateMarker(marker: string): boolean {
  const tokens = tokensOf(marker);
  let at = 0;
  const fail = (): never => {
    throw new WsgiError(`build-python: ${JSON.stringify(marker)} is not an environment marker (PEP 508)`);
  };
  const peek = () => tokens[at]?.word;
  const value = (): string => {
    const { word = '', quoted } = tokens[at++] ?? fail();
    return quoted ?? ENVIRONMENT[word.replace('.', '_')] ?? fail();
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

function compare(left: string, operator: string, right: string): boolean | undefined {
  if (operator === 'in') return right.includes(left);
  if (operator === 'not in') return !right.includes(left);
  if (operator === '===') return left === right;
  const wildcard = /^(\d+(?:\.\d+)*)\.\*$/.exec(right)?.[1];
  if (wildcard !== undefined && (operator === '==' || operator === '!='))
    return `${left}.`.startsWith(`${wildcard}.`) === (operator === '==');
  const versions = VERSION.test(left) && VERSION.test(right);
  if (operator === '~=') {
    const series = right.split('.').slice(0, -1).join('.');
    return versions ? byVersion(left, right) >= 0 && `${left}.`.startsWith(`${series}.`) : undefined;
  }
  const order = versions ? byVersion(left, right) : left < right ? -1 : +(left > right);
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
