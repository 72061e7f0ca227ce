import fc from 'fast-check';
import type { HeaderList } from '../../src/types.js';
import type { Program, Step } from './program.js';

const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 12 });
const length = fc.oneof(fc.integer({ min: 0, max: 40 }).map(String), fc.constantFrom('-1', 'x', '5, 5', ' 7 '));
const value = fc.constantFrom(
  '1',
  'a, b',
  '',
  ' padded\t',
  'caf\u00c3\u00a9',
  'x\r\nX-Injected: 1',
  'a\0b',
  '\u20ac',
  'x\ty',
);
const header: fc.Arbitrary<[string, string]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('X-A', 'x-a', 'X-B', 'Vary', 'Set-Cookie', 'Content-Type'), value) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('Content-Length', 'content-length'), length) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('__proto__', 'constructor', 'bad name', '', 'X:Y', 'Connection', 'Transfer-Encoding', 'Status'),
      value,
    ),
  },
);
const status = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('200 OK', '200 ', '404 Not Found', '503 Own words') },
  { weight: 2, arbitrary: fc.constantFrom('204 No Content', '205 Reset Content', '304 Not Modified') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('101 No', '099 No', '2000 No', '200', '200OK', '', '200 \r\nX: y', '200 \u20ac'),
  },
);
const start: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('start' as const),
  status,
  headers: fc.array(header, { maxLength: 4 }) as fc.Arbitrary<HeaderList>,
  excInfo: fc.boolean(),
});
const goodStart: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('start' as const),
  status: fc.constantFrom('200 OK', '404 Not Found', '204 No Content'),
  headers: fc.constantFrom<HeaderList>([], [['X-A', '1']], [['Content-Length', '8']]),
  excInfo: fc.constant(false),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: start },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('chunk' as const), bytes }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), bytes, wait: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const), size: fc.constantFrom(null, -1, 0, 3) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('junk' as const),
      what: fc.constantFrom('string', 'number', 'null', 'undefined', 'array', 'promise', 'words'),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('throw' as const),
      what: fc.constantFrom('error', 'string', 'null', 'undefined'),
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outlive' as const) }) },
);

/** Any application; most of them call startResponse once, at first. */
export const program: fc.Arbitrary<Program> = fc.record({
  shape: fc.constantFrom('list', 'async list', 'generator', 'async generator', 'iterator', 'no body'),
  before: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(goodStart, fc.array(step, { maxLength: 3 })).map(([first, rest]) => [first, ...rest]),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(start, fc.array(step, { maxLength: 3 })).map(([first, rest]) => [first, ...rest]),
    },
    { weight: 1, arbitrary: fc.array(step, { maxLength: 3 }) },
  ),
  body: fc.array(step, { maxLength: 5 }),
  close: fc.constantFrom('none', 'returns', 'resolves', 'throws', 'rejects'),
});

export const method = fc.constantFrom('GET', 'GET', 'POST', 'HEAD');
