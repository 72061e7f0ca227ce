/** The module of an example. In a line such as `decodeNative('a'); //=> 'a'`, or in the line below, the value after the arrow is
 *  expected: such lines become calls. */
export function moduleOf(code: string): string {
  const lines = code.replace(/\n\/\/=> /g, ' //=> ').split('\n');
  const checked = lines.map((line) => {
    const [, expression, expected] = /^(.*); \/\/=> (.*)$/.exec(line) ?? [];
    return expression === undefined ? line : `expectEqual(${expression}, ${expected});`;
  });
  return ["import { deepEqual as expectEqual } from 'node:assert/strict';", ...checked, 'void expectEqual;', ''].join(
    '\n',
  );
}
