// Any request through a front end of Lambda is the same to an application as through Node, byte by byte over a socket, and
// so is any response to a client, but for what the front end can not carry: the tables below, and nothing else.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../command/wire.ts';
import { decodeNative, decodeNativeOrKeep, encodeNative, percentDecode, percentEncode } from '../src/native-string.js';
import type { Application, Environ, HeaderList } from '../src/types.js';
import { toLambdaHandler } from '../targets/aws-lambda/index.js';
import { serve } from '../targets/node/index.js';
import { type LambdaKind, lambdaEvent, readLambdaResult } from '../testing/index.js';
import { RUNS, SEED } from './fuzz/runs.js';
import { checkResult, edgeRefuses, KINDS } from './lambda-result-shape.ts';
import { ID } from './request-id.js';

/** A request in ordinary text. */
interface Request {
  method: string;
  path: string;
  query: string;
  headers: HeaderList;
  body: Uint8Array | undefined;
}

/** Makes of a request, or of the headers of a response, what is left of it behind a front end. */
interface Loss<Of> {
  why: string;
  leaves(given: Of): Of;
}

const named =
  (name: string) =>
  ([given]: HeaderList[number]) =>
    given.toLowerCase() === name;
const isNot = (name: string) => (pair: HeaderList[number]) => !named(name)(pair);
const valuesOf = (headers: HeaderList, name: string) => headers.filter(named(name)).map(([, value]) => value);

/** The values of each name, names in the order of an object's keys. */
function grouped(pairs: HeaderList): Array<[name: string, values: string[]]> {
  const names = Object.keys(Object.fromEntries(pairs));
  return names.map((name) => [name, pairs.filter(([given]) => given === name).map(([, value]) => value)]);
}
const lowered = (headers: HeaderList): HeaderList => headers.map(([name, value]) => [name.toLowerCase(), value]);

const EMPTY_BODY: Loss<Request> = {
  why: 'Content-Length does not arrive: an empty body is none',
  leaves: (request) => ({ ...request, body: request.body?.length === 0 ? undefined : request.body }),
};
const TEXT_BODY: Loss<Request> = {
  why: 'bodies of text types come as text: bytes that are not UTF-8 are lost',
  leaves: (request) => {
    const { headers, body } = request;
    const text = /^(text\/|application\/(json|javascript|xml)\b)/i.test(valuesOf(headers, 'content-type')[0] ?? '');
    const encoded = valuesOf(headers, 'content-encoding').length > 0;
    return { ...request, body: body && text && !encoded ? Buffer.from(Buffer.from(body).toString()) : body };
  },
};
const DECODED_PATH: Loss<Request> = {
  why: 'the path comes decoded: how the client has spelled it is lost, and bytes that are not UTF-8',
  leaves: (request) => {
    const text = decodeNative(percentDecode(encodeNative(request.path)));
    return { ...request, path: percentEncode(encodeNative(text), '/') };
  },
};
const decodedQuery = (why: string, choose: (values: string[]) => string[]): Loss<Request> => ({
  why: `parameters come decoded, in a map: order across names, spelling and bytes that are not UTF-8 are lost${why}`,
  leaves: (request) => ({
    ...request,
    query: new URLSearchParams(
      grouped([...new URLSearchParams(request.query)]).flatMap(([name, values]) =>
        choose(values).map((value): HeaderList[number] => [name, value]),
      ),
    ).toString(),
  }),
});
const encodedQuery = (why: string, choose: (values: string[]) => string[]): Loss<Request> => ({
  why: `parameters come as sent, in a map: order across names is lost, and "a" is "a="${why}`,
  leaves: (request) => {
    const pairs = request.query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => /^([^=]*)=?(.*)$/s.exec(pair)?.slice(1) as HeaderList[number]);
    const kept = grouped(pairs).flatMap(([name, values]) => choose(values).map((value) => `${name}=${value}`));
    return { ...request, query: kept.join('&') };
  },
});
const all = (values: string[]) => values;
const onlyLast = (values: string[]) => values.slice(-1);
const bareComma = (which: string, isJoined: (pair: HeaderList[number]) => boolean): Loss<Request> => ({
  why: `${which} that are repeated are joined with a comma and no space`,
  leaves: (request) => {
    const headers = lowered(request.headers);
    const joined = grouped(headers.filter(isJoined)).map(([name, values]): HeaderList[number] => [name, values.join()]);
    return { ...request, headers: [...joined, ...headers.filter((pair) => !isJoined(pair))] };
  },
});
const COOKIE_PAIRS: Loss<Request> = {
  why: 'cookies come as a list of pairs: the space between them is made up',
  leaves: (request) => ({
    ...request,
    headers: request.headers.flatMap(
      ([name, value]): HeaderList =>
        name.toLowerCase() === 'cookie' ? value.split(/[ \t]*;[ \t]*/).map((pair) => [name, pair]) : [[name, value]],
    ),
  }),
};
const LAST_HEADER: Loss<Request> = {
  why: 'of repeated headers the last one is left',
  leaves: (request) => ({ ...request, headers: Object.entries(Object.fromEntries(lowered(request.headers))) }),
};
const SPELLINGS: Loss<Request> = {
  why: 'headers come in a map by spelling: the order across spellings is lost, and what another one says as well',
  leaves: (request) => {
    const headers: HeaderList = [];
    for (const [name, values] of grouped(request.headers)) {
      const earlier = valuesOf(headers, name.toLowerCase());
      for (const value of values) if (!earlier.includes(value)) headers.push([name, value]);
    }
    return { ...request, headers };
  },
};
const FORWARDED_FOR: Loss<Request> = {
  why: 'the address of the client is added',
  leaves: (request) => {
    const sent = valuesOf(request.headers, 'x-forwarded-for');
    return {
      ...request,
      headers: [
        ...request.headers.filter(isNot('x-forwarded-for')),
        ['X-Forwarded-For', [...sent, '203.0.113.7'].join(', ')],
      ],
    };
  },
};
const FORWARDED: Loss<Request> = {
  why: 'port, scheme and trace of the request take the place of what the client says',
  leaves: (request) => {
    const added: HeaderList = [
      ['X-Forwarded-Port', '443'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Amzn-Trace-Id', 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e'],
    ];
    const others = request.headers.filter(([name]) => !added.some(([own]) => named(own.toLowerCase())([name, ''])));
    return { ...request, headers: [...others, ...added] };
  },
};

const REQUEST_LOSSES: Record<LambdaKind, Loss<Request>[]> = {
  'apigw-rest-v1': [EMPTY_BODY, TEXT_BODY, decodedQuery('', all), FORWARDED_FOR, FORWARDED, SPELLINGS],
  'apigw-http-v1': [TEXT_BODY, DECODED_PATH, decodedQuery('', all), FORWARDED_FOR, FORWARDED, SPELLINGS],
  'apigw-http-v2': [
    TEXT_BODY,
    DECODED_PATH,
    FORWARDED_FOR,
    FORWARDED,
    COOKIE_PAIRS,
    bareComma('headers but cookies', isNot('cookie')),
  ],
  'function-url': [
    TEXT_BODY,
    FORWARDED_FOR,
    FORWARDED,
    COOKIE_PAIRS,
    bareComma('headers but cookies', isNot('cookie')),
  ],
  'alb-single': [TEXT_BODY, encodedQuery(', the last value left', onlyLast), FORWARDED_FOR, FORWARDED, LAST_HEADER],
  'alb-multi': [TEXT_BODY, encodedQuery('', all), FORWARDED_FOR, FORWARDED],
  'lattice-v1': [
    TEXT_BODY,
    decodedQuery(', the last value left', onlyLast),
    FORWARDED_FOR,
    bareComma('headers', () => true),
  ],
  'lattice-v2': [TEXT_BODY, decodedQuery('', all), FORWARDED_FOR],
  'edge-viewer-request': [],
  'edge-origin-request': [],
};

/** What a front end says of itself in environ; undefined: nothing. */
function ownKeys(kind: LambdaKind, node: Environ): Record<string, string | undefined> {
  const rest = kind === 'apigw-rest-v1';
  // Decoded paths, and Lattice's, tell nothing of the client's spelling; the stage is in it where it is in the URL.
  const decodes = ['apigw-http-v1', 'apigw-http-v2', 'lattice-v1', 'lattice-v2'].includes(kind);
  const uri = decodes ? undefined : `${rest ? '/prod' : ''}${node.REQUEST_URI}`;
  const https = !kind.startsWith('lattice-');
  return {
    SCRIPT_NAME: rest ? '/prod' : '',
    REQUEST_URI: uri,
    RAW_URI: uri,
    'wsgi.url_scheme': https ? 'https' : 'http',
    HTTPS: https ? 'on' : undefined,
    SERVER_PORT: /:(\d+)$/.exec(node.HTTP_HOST ?? '')?.[1] ?? (https ? '443' : '80'),
    REMOTE_ADDR: '203.0.113.7',
    REMOTE_PORT: undefined,
    HTTP_CONNECTION: undefined, // of the hop to Node
  };
}

const RESPONSE_LOSSES: Record<LambdaKind, Loss<HeaderList>[]> = (() => {
  const JSON_TEXT: Loss<HeaderList> = {
    why: 'header values are text: bytes that are not UTF-8 are taken for Latin-1',
    leaves: (headers) => headers.map(([name, value]) => [name, encodeNative(decodeNativeOrKeep(value))]),
  };
  const JOINED: Loss<HeaderList> = {
    why: 'repeated headers are joined, but for Set-Cookie',
    leaves: (headers) => [
      ...grouped(headers.filter(isNot('set-cookie'))).map(([name, values]): HeaderList[number] => [
        name,
        values.join(', '),
      ]),
      ...headers.filter(named('set-cookie')),
    ],
  };
  const edge = (kind: LambdaKind): Loss<HeaderList> => ({
    why: 'CloudFront keeps some headers to itself, Content-Length among them',
    leaves: (headers) => headers.filter(([name]) => !edgeRefuses(kind, name)),
  });
  return {
    'apigw-rest-v1': [JSON_TEXT],
    'apigw-http-v1': [JSON_TEXT],
    'apigw-http-v2': [JSON_TEXT, JOINED],
    'function-url': [JSON_TEXT, JOINED],
    'alb-single': [JSON_TEXT, JOINED],
    'alb-multi': [JSON_TEXT],
    'lattice-v1': [JSON_TEXT, JOINED],
    'lattice-v2': [JSON_TEXT, JOINED],
    'edge-viewer-request': [JSON_TEXT, edge('edge-viewer-request')],
    'edge-origin-request': [JSON_TEXT, edge('edge-origin-request')],
  };
})();

/** A response as a client can tell it from another one: order counts inside a name alone. */
interface Seen {
  status: number;
  headers: HeaderList;
  body: Buffer;
}

let app: Application;
const both: Application = (environ, startResponse) => app(environ, startResponse);
const handler = toLambdaHandler(both, { errors: () => {} });
let server: Server;
beforeAll(async () => {
  server = await serve(both, { errors: () => {} });
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const targetOf = ({ path, query }: Request) => (query === '' ? path : `${path}?${query}`);
const inOrder = (headers: HeaderList): HeaderList =>
  lowered(headers).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));

async function throughNode(request: Request): Promise<Seen> {
  const { port } = server.address() as AddressInfo;
  const { status, headers, body, complete } = await sendRaw(port, {
    method: request.method,
    target: encodeNative(targetOf(request)),
    headers: request.headers.map(([name, value]) => [name, encodeNative(value)]),
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  expect(complete).toBe(true);
  // Node's own, of the hop.
  const own = /^(connection|date|keep-alive|transfer-encoding)$/i;
  return { status, headers: inOrder(headers.filter(([name]) => !own.test(name))), body: Buffer.from(body) };
}

async function throughLambda(kind: LambdaKind, request: Request): Promise<Seen> {
  const { method, headers, body } = request;
  const event = lambdaEvent(kind, {
    method,
    target: targetOf(request),
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const result = await handler(JSON.parse(JSON.stringify(event)), { getRemainingTimeInMillis: () => 30_000 });
  checkResult(kind, result);
  const read = readLambdaResult(kind, JSON.parse(JSON.stringify(result)));
  const native = read.headers.map(([name, value]): HeaderList[number] => [name, encodeNative(value)]);
  return { status: read.status, headers: inOrder(native), body: Buffer.from(read.body) };
}

const expected = (kind: LambdaKind, { headers, ...seen }: Seen): Seen => ({
  ...seen,
  headers: inOrder(RESPONSE_LOSSES[kind].reduce((given, loss) => loss.leaves(given), headers)),
});

const textOf = (...units: string[]) => fc.string({ unit: fc.constantFrom(...units), maxLength: 12 });
const bytesOf = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  textOf('a', 'é', '€', '😀', '\n', '\0', '"', '\\', '\u2028').map((text) => new TextEncoder().encode(text)),
);
const TYPES = ['text/plain', 'text/html; charset=utf-8', 'application/json', 'image/svg+xml', 'image/png', 'x/y', ''];
const VALUE = textOf('a', 'B', '1', ' ', '\t', ',', ';', '; ', '=', '"', '\\', '%', '+', 'é', '€', '😀').map((text) =>
  text.replace(/^[ \t]+|[ \t]+$/g, ''),
);
const TOKEN = fc.string({ unit: fc.constantFrom(...'!#$%&*+-.^_`|~019azAZ'), minLength: 1, maxLength: 6 });
const spelled = (name: fc.Arbitrary<string>) =>
  fc.tuple(name, fc.boolean()).map(([given, upper]) => (upper ? given.toUpperCase() : given));

// What is of the hop, and what a client can't send twice or wrong: a front end answers 400.
const FRAMING = /^(connection|content-length|expect|host|transfer-encoding|upgrade)$/i;
const REQUEST_HEADER = fc
  .oneof(
    fc.tuple(
      spelled(
        fc.constantFrom(
          ...'cookie x-a accept x-forwarded-for x-forwarded-proto x-amzn-trace-id x_a proxy __proto__ constructor 1'.split(
            ' ',
          ),
        ),
      ),
      VALUE,
    ),
    fc.tuple(TOKEN, VALUE),
    fc.tuple(spelled(fc.constantFrom('content-type')), fc.constantFrom(...TYPES)),
    fc.tuple(fc.constant('Content-Encoding'), fc.constantFrom('gzip', 'identity')),
  )
  .filter(([name]) => !FRAMING.test(name));
const HOST = fc.tuple(
  spelled(fc.constant('host')),
  fc.constantFrom('h.example', 'h.example:8080', 'H.example:443', '127.0.0.1', '[::1]:3000', '[2001:db8::1]'),
);
const REQUEST: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom(...'GET HEAD POST PUT DELETE PATCH OPTIONS TRACE PROPFIND PURGE'.split(' ')),
  // No "#", with which begins what a client keeps to itself, and ASCII: Node's parser refuses the rest.
  path: textOf(...'/ / a . .. %20 %2F %2f %C3%BC %FF %00 %25 %3F %23 % %zz + ; @ : * " |'.split(' ')).map(
    (text) => `/${text}`,
  ),
  query: textOf(...'a b = = & & + %20 %2B %26 %3D %C3%BC %FF % %zz ? / ; 1 __proto__ []'.split(' ')),
  headers: fc
    .tuple(HOST, fc.array(REQUEST_HEADER, { maxLength: 8 }))
    .map(([host, headers]) => [host, ...headers] as HeaderList),
  body: fc.option(bytesOf, { nil: undefined }),
});

describe('a request is the same to an application', () => {
  const asSeen = async (ask: () => Promise<Seen>) => {
    let seen: { environ: Environ; body: Buffer } | undefined;
    app = async (environ, startResponse) => {
      const strings = Object.entries(environ).filter(([key, value]) => typeof value === 'string' && key !== ID);
      seen = { environ: Object.fromEntries(strings) as Environ, body: Buffer.from(await environ['wsgi.input'].read()) };
      startResponse('200 OK', [['Content-Type', 'application/octet-stream']]);
      return [seen.body];
    };
    const response = await ask();
    if (seen === undefined) throw new Error(`the application was not called: ${response.status}`);
    return { ...seen, response };
  };

  it.each(KINDS)('%s', async (kind) => {
    await fc.assert(
      fc.asyncProperty(REQUEST, async (request) => {
        // A list of cookies that are empty says nothing.
        fc.pre(!request.headers.some(([name, value]) => /^cookie$/i.test(name) && /^[;\s]*$/.test(value)));
        const carried = REQUEST_LOSSES[kind].reduce((given, loss) => loss.leaves(given), request);
        const node = await asSeen(() => throughNode(carried));
        const lambda = await asSeen(() => throughLambda(kind, request));
        expect({ ...lambda.environ }).toEqual({ ...node.environ, ...ownKeys(kind, node.environ) });
        expect(lambda.body).toEqual(node.body);
        expect(lambda.response).toEqual(expected(kind, node.response));
      }),
      { numRuns: Math.ceil((RUNS * 2) / 3), seed: SEED },
    );
  });
});

/** A response, and how an application gives it. */
interface Given {
  method: string;
  status: string;
  headers: HeaderList;
  chunks: Uint8Array[];
  length: boolean;
  how: 'array' | 'iteration' | 'one buffer' | 'write' | 'late';
}

const RESPONSE_HEADER = fc
  .oneof(
    fc.tuple(
      spelled(
        fc.constantFrom(
          ...'set-cookie x-a vary server etag __proto__ constructor x-cache via host accept-encoding 1'.split(' '),
        ),
      ),
      VALUE.map(encodeNative),
    ),
    fc.tuple(TOKEN, VALUE.map(encodeNative)),
    fc.tuple(TOKEN, textOf('a', '\u00e9', '\u00ff', '\u0080', 'b')),
  )
  .filter(([name]) => !/^te$/i.test(name));
const GIVEN: fc.Arbitrary<Given> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD'),
  status: fc.oneof(
    fc.constantFrom(
      '200 OK',
      '201 Created',
      '204 No Content',
      '205 Reset Content',
      '206 ',
      '304 Not Modified',
      '404 Not Found',
      '503 Oh no \u00e9',
    ),
    fc.integer({ min: 200, max: 599 }).map((code) => `${code} Fine`),
  ),
  headers: fc
    .tuple(
      fc.array(RESPONSE_HEADER, { maxLength: 8 }),
      fc.option(fc.constantFrom(...TYPES), { nil: undefined }),
      fc.option(fc.constantFrom('gzip', 'identity'), { nil: undefined }),
    )
    .map(([headers, type, encoding]) => [
      ...headers,
      ...(type === undefined ? [] : ([['Content-Type', type]] as HeaderList)),
      ...(encoding === undefined ? [] : ([['content-encoding', encoding]] as HeaderList)),
    ]),
  chunks: fc.array(bytesOf, { maxLength: 4 }),
  length: fc.boolean(),
  how: fc.constantFrom('array', 'iteration', 'one buffer', 'write', 'late'),
});

function answering({ status, headers, chunks, length, how }: Given): Application {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const list: HeaderList = length ? [...headers, ['Content-Length', String(total)]] : headers;
  const buffer = new Uint8Array(1000);
  return async (_environ, startResponse) => {
    if (how === 'late')
      return (async function* () {
        await null;
        startResponse(status, list);
        yield* chunks;
      })();
    const write = startResponse(status, list);
    if (how === 'array') return chunks;
    if (how === 'iteration') return new Set(chunks);
    if (how === 'one buffer')
      return (function* () {
        for (const chunk of chunks) {
          buffer.fill(0).set(chunk);
          yield buffer.subarray(0, chunk.length);
        }
      })();
    for (const chunk of chunks) await write(chunk);
    return [];
  };
}

describe('a response is the same to a client', () => {
  it.each(KINDS)('%s', async (kind) => {
    await fc.assert(
      fc.asyncProperty(GIVEN, async (given) => {
        app = answering(given);
        const request: Request = {
          method: given.method,
          path: '/',
          query: '',
          headers: [['Host', 'h']],
          body: undefined,
        };
        const node = await throughNode(request);
        expect(node.status).toBe(Number(given.status.slice(0, 3)));
        expect(await throughLambda(kind, request)).toEqual(expected(kind, node));
      }),
      { numRuns: Math.ceil((RUNS * 2) / 3), seed: SEED },
    );
  });
});
