import { mapResponse } from '../../../middleware/index.js';
import { fromFetchHandler } from '../../../src/fetch/application.js';
import { FileWrapper } from '../../../src/file-wrapper.js';
import { headerView } from '../../../src/header-view.js';
import { inputStream } from '../../../src/input-stream.js';
import { compose } from '../../../src/middleware/compose.js';
import type {
  Application,
  Body,
  Environ,
  HeaderList,
  InputStream,
  Middleware,
  StartResponse,
} from '../../../src/types.js';
import { shiftPathInfo } from '../../../src/url.js';
import { validator } from '../../../src/validator/index.js';
import {
  bytes,
  type Case,
  type Check,
  equal,
  holds,
  isBroken,
  isErrorPage,
  native,
  ok,
  PLAIN,
  plain,
  type RawRequest,
  type RawResponse,
  refusedWith500,
  sleep,
  textOf,
  value,
} from '../case.js';
import { keep, note } from '../report.js';
import { shipped } from '../shipped.js';

const BOTH = 'Middleware: Components that Play Both Sides';
const CALLABLE = 'The start_response() Callable';
const BLOCKS = 'Middleware Handling of Block Boundaries';
const ERRORS = 'Error Handling';
const FILE = 'Optional Platform-Specific File Handling';
const DETAILS = 'Specification Details';

/** An application behind middleware, the outermost first. Where the case runs inside the validator, one stands between
 *  each two layers as well. */
function behind(app: Application, ...middleware: Middleware[]): Application {
  const bare = compose(...middleware)(app);
  const checked = compose(...middleware.flatMap((one) => [one, validator]))(app);
  return (environ, startResponse) => (environ.HTTP_X_WSGI_VALIDATOR === '1' ? checked : bare)(environ, startResponse);
}

// The applications inside. Each one's body notes its close().

/** A body that notes its close(). */
function closing<T extends Body>(environ: Environ, body: T, event = 'close'): T {
  return Object.assign(body, { close: () => note(environ, event) });
}

const GIVEN = ['hello ', 'world'].map(bytes);
const WITH_LENGTH = plain(['Content-Length', '11'], ['X-Old', '1']);

const says =
  (make: (environ: Environ) => Body, headers: HeaderList = WITH_LENGTH, status = '200 OK'): Application =>
  (environ, startResponse) => {
    startResponse(status, headers);
    return closing(environ, make(environ));
  };

async function* generate(chunks: Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) {
    await null;
    yield chunk;
  }
}

/** A file-like object over `GIVEN`. */
function reader(environ: Environ) {
  const left = [...GIVEN];
  return { read: () => left.shift() ?? null, close: () => note(environ, 'close') };
}

const list = says(() => [...GIVEN]);

/** Every way to give the same eleven bytes. */
const applications: Array<[string, Application]> = [
  ['a list', list],
  [
    'a generator',
    says(function* () {
      yield* GIVEN;
    }),
  ],
  ['an async generator', says(() => generate(GIVEN))],
  [
    'a promise',
    async (environ, startResponse) => {
      startResponse('200 OK', WITH_LENGTH);
      await null;
      return closing(environ, [...GIVEN]);
    },
  ],
  [
    'an application that is a generator',
    async function* (environ, startResponse) {
      try {
        startResponse('200 OK', WITH_LENGTH);
        yield* GIVEN;
      } finally {
        note(environ, 'close');
      }
    },
  ],
  [
    'write() and a list',
    async (environ, startResponse) => {
      const write = startResponse('200 OK', WITH_LENGTH);
      await write(bytes('hello '));
      return closing(environ, [bytes('world')]);
    },
  ],
  [
    'a file',
    (environ, startResponse) => {
      startResponse('200 OK', WITH_LENGTH);
      return environ['wsgi.file_wrapper'](reader(environ));
    },
  ],
  [
    'a stream as a file',
    (environ, startResponse) => {
      startResponse('200 OK', WITH_LENGTH);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of GIVEN) controller.enqueue(chunk);
          controller.close();
        },
      });
      // A stream that has been read has nobody to tell of its end.
      const file = environ['wsgi.file_wrapper'](stream) as FileWrapper;
      return Object.assign(file, { close: async () => note(environ, 'close') });
    },
  ],
  [
    'a Fetch handler',
    async (environ, startResponse) => {
      const handler = fromFetchHandler(() => new Response('hello world', { headers: WITH_LENGTH }));
      return closing(environ, await handler(environ, startResponse));
    },
  ],
];

const slow = says(
  async function* () {
    yield bytes('one');
    await sleep(300);
    yield bytes('two');
  },
  [[...PLAIN]],
);

/** Sends until nobody takes it any more. */
const endless = says(
  async function* (environ) {
    try {
      for (let count = 1; count <= 2000; count++) {
        keep(environ, 'made', count);
        yield new Uint8Array(65_536);
        await sleep(1);
      }
    } finally {
      note(environ, 'ended');
    }
  },
  [[...PLAIN]],
);

// The middleware.

const without = <Pair extends readonly [string, string]>(headers: readonly Pair[], name: string): Pair[] =>
  headers.filter(([given]) => given.toLowerCase() !== name);

const piglatin = (data: Uint8Array): Uint8Array => bytes(native(data).replace(/([a-z])([a-z]*)/gi, '$2$1ay'));
const upper = (data: Uint8Array): Uint8Array => bytes(native(data).toUpperCase());

/** A body made of another one, which it closes. */
function mapped(body: Body, each: (chunk: Uint8Array) => Uint8Array): Body {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) yield each(chunk);
    },
    close: () => body.close?.(),
  };
}

/** Starts a response as the PEP's Latinator does: whether it is transformed is decided anew by each call. */
function latinStart(startResponse: StartResponse) {
  const start = {
    transforms: false,
    response: ((status, headers, excInfo) => {
      start.transforms = headers.some(([name, type]) => name.toLowerCase() === 'content-type' && type === 'text/plain');
      if (!start.transforms) return startResponse(status, headers, excInfo);
      const write = startResponse(status, without(headers, 'content-length'), excInfo);
      return (data) => write(piglatin(data));
    }) as StartResponse,
    each: (chunk: Uint8Array) => (start.transforms ? piglatin(chunk) : chunk),
  };
  return start;
}

/** The example of the PEP, for every kind of body. */
const latinator: Middleware = (app) => async (environ, startResponse) => {
  const start = latinStart(startResponse);
  return mapped(await app(environ, start.response), start.each);
};

/** The example of the PEP as it stands there, with an iterator of its own: for synchronous applications. */
const latinIter: Middleware = (app) => (environ, startResponse) => {
  const start = latinStart(startResponse);
  const result = app(environ, start.response) as Iterable<Uint8Array> & Body;
  const steps = result[Symbol.iterator]();
  const iterator: Iterator<Uint8Array> = {
    next() {
      const step = steps.next();
      return step.done ? step : { done: false, value: start.each(step.value) };
    },
  };
  return { [Symbol.iterator]: () => iterator, ...(result.close && { close: () => result.close?.() }) };
};

/** Adds a header; the body passes as it is. */
const labelling: Middleware = (app) => (environ, startResponse) =>
  app(environ, (status, headers, excInfo) => {
    const copy = headerView(headers.map(([name, value]) => [name, value]));
    copy.set('X-Label', 'labelled');
    return startResponse(status, copy.entries(), excInfo);
  });

/** Looks at the head when the application has returned, as if it were there then. */
const tooEager: Middleware = (app) => async (environ, startResponse) => {
  let compresses = false;
  const body = await app(environ, (status, headers, excInfo) => {
    compresses = true;
    return startResponse(status, [...headers, ['Content-Encoding', 'gzip']], excInfo);
  });
  return compresses ? mapped(body, upper) : body;
};

/** Adds to the list that it has passed on. */
const tooLate: Middleware = (app) => async (environ, startResponse) => {
  const given: HeaderList = [];
  const body = await app(environ, (status, headers, excInfo) => {
    given.push(...headers.map(([name, value]): [string, string] => [name, value]));
    const write = startResponse(status, given, excInfo);
    given.push(['X-Late', '1']);
    return write;
  });
  return body;
};

/** Changes every chunk, none in length. */
const shouting: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(environ, (status, headers, excInfo) => {
    const write = startResponse(status, headers, excInfo);
    return (data) => write(upper(data));
  });
  return mapped(body, upper);
};

/** An application that is a generator around another one. */
const generating: Middleware = (app) =>
  async function* (environ, startResponse) {
    const body = await app(environ, startResponse);
    try {
      for await (const chunk of body) yield chunk;
    } finally {
      await body.close?.();
    }
  };

/** Sends one chunk and no more. */
const shortening: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(environ, (status, headers, excInfo) =>
    startResponse(status, without(headers, 'content-length'), excInfo),
  );
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) {
        yield chunk;
        break;
      }
    },
    close: () => body.close?.(),
  };
};

/** Adds to the end of the body. */
const signing: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(environ, (status, headers, excInfo) =>
    startResponse(status, without(headers, 'content-length'), excInfo),
  );
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) yield chunk;
      yield bytes(', signed');
    },
    close: () => body.close?.(),
  };
};

/** A response that is held back: the head, and what write() was given. */
function hold() {
  const held = {
    status: '',
    headers: [] as HeaderList,
    chunks: [] as Uint8Array[],
    startResponse: ((status, headers) => {
      held.status = status;
      held.headers = headers.map(([name, given]) => [name, given]);
      return async (data) => {
        held.chunks.push(data.slice());
      };
    }) as StartResponse,
    /** Takes a body whole, and closes it. */
    async take(body: Body): Promise<void> {
      try {
        for await (const chunk of body) held.chunks.push(chunk.slice());
      } finally {
        await body.close?.();
      }
    },
    text: () => held.chunks.map(native).join(''),
  };
  return held;
}

/** Waits for the whole body and gives it a length. */
const buffering: Middleware = (app) => async (environ, startResponse) => {
  const held = hold();
  await held.take(await app(environ, held.startResponse));
  const body = bytes(`<${held.text()}>`);
  startResponse(held.status, [...without(held.headers, 'content-length'), ['Content-Length', String(body.length)]]);
  return [body];
};

/** The same as the PEP wants it: does not block the iteration, but gives empty chunks until it has something to say. */
const accumulating: Middleware = (app) => async (environ, startResponse) => {
  const held = hold();
  const body = await app(environ, held.startResponse);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) {
        held.chunks.push(chunk.slice());
        yield new Uint8Array(0);
      }
      const text = bytes(`<${held.text()}>`);
      startResponse(held.status, [...without(held.headers, 'content-length'), ['Content-Length', String(text.length)]]);
      yield text;
    },
    close: () => body.close?.(),
  };
};

/** Compresses the body through a stream of the platform. */
const compressing: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(environ, (status, headers, excInfo) =>
    startResponse(status, [...without(headers, 'content-length'), ['Content-Encoding', 'gzip']], excInfo),
  );
  const gzip = new CompressionStream('gzip');
  const feed = async () => {
    const writer = gzip.writable.getWriter();
    for await (const chunk of body) await writer.write(chunk as Uint8Array<ArrayBuffer>);
    await writer.close();
  };
  return {
    async *[Symbol.asyncIterator]() {
      const fed = feed();
      const packed = gzip.readable.getReader();
      for (let step = await packed.read(); !step.done; step = await packed.read()) yield step.value;
      await fed;
    },
    close: () => body.close?.(),
  };
};

/** Answers what an application or its body throws with a page of its own, as long as the gateway lets it. */
const catching: Middleware = (app) => (environ, startResponse) => {
  let body: Body | undefined;
  return {
    async *[Symbol.asyncIterator]() {
      try {
        body = await app(environ, startResponse);
        for await (const chunk of body) yield chunk;
      } catch (error) {
        try {
          startResponse('502 Caught', plain(['X-Caught', String((error as Error).message)]), error);
        } catch (thrown) {
          keep(environ, 'thrown back', thrown === error);
          throw thrown;
        }
        yield bytes('caught');
      }
    },
    close: () => body?.close?.(),
  };
};

/** The same without a generator: the application is called, and may call write(), before the iteration begins. */
const catchingAtOnce: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(environ, startResponse);
  return catching(() => body)(environ, startResponse);
};

type Bytes = Uint8Array<ArrayBuffer>;

/** `wsgi.input` over bytes. */
function inputOf(data: Bytes): InputStream {
  let rest = data;
  const take = (size: number): Bytes => {
    const part = rest.subarray(0, size);
    rest = rest.subarray(part.length);
    return part;
  };
  const limit = (size: number | null | undefined) =>
    size === undefined || size === null || size < 0 ? data.length : size;
  const lineLength = () => rest.indexOf(10) + 1 || rest.length;
  return {
    read: async (size) => take(limit(size)),
    readline: async (size) => take(Math.min(lineLength(), limit(size))),
    async readlines() {
      const lines: Bytes[] = [];
      while (rest.length > 0) lines.push(take(lineLength()));
      return lines;
    },
    async *[Symbol.asyncIterator]() {
      while (rest.length > 0) yield take(lineLength());
    },
  };
}

/** Reads the request body, and gives the application another one. */
const rewriting: Middleware = (app) => async (environ, startResponse) => {
  const data = upper(await environ['wsgi.input'].read());
  return app(
    { ...environ, 'wsgi.input': inputOf(new Uint8Array(data)), CONTENT_LENGTH: String(data.length) },
    startResponse,
  );
};

/** Counts what the application reads. */
const metering: Middleware = (app) => (environ, startResponse) => {
  const input = environ['wsgi.input'];
  let count = 0;
  const counted = (data: Bytes): Bytes => {
    count += data.length;
    keep(environ, 'read', count);
    return data;
  };
  const metered: InputStream = {
    read: async (size) => counted(await input.read(size)),
    readline: async (size) => counted(await input.readline(size)),
    readlines: async (hint) => (await input.readlines(hint)).map(counted),
    async *[Symbol.asyncIterator]() {
      for await (const line of input) yield counted(line);
    },
  };
  return app({ ...environ, 'wsgi.input': metered }, startResponse);
};

/** Calls the application up to three times, until it neither fails nor answers with a status of 500 or above. The body of
 *  the request is read once, and given to each call. */
const retrying: Middleware = (app) => async (environ, startResponse) => {
  const data = await environ['wsgi.input'].read();
  for (let attempt = 1; ; attempt++) {
    const held = hold();
    try {
      const inner = { ...environ, 'wsgi.input': inputOf(data), 'x.attempt': attempt };
      await held.take(await app(inner, held.startResponse));
    } catch (error) {
      if (attempt === 3) throw error;
      continue;
    }
    if (!held.status.startsWith('5') || attempt === 3) {
      startResponse(held.status, held.headers);
      return held.chunks;
    }
  }
};

/** Calls the application for two paths, and joins the bodies. */
const joining: Middleware = (app) => async (environ, startResponse) => {
  const held = hold();
  for (const path of ['/one', '/two']) await held.take(await app({ ...environ, PATH_INFO: path }, held.startResponse));
  startResponse('200 OK', plain());
  return held.chunks;
};

/** Answers 304 to who has it already: the body is closed and never read. */
const conditional: Middleware = (app) => async (environ, startResponse) => {
  const held = hold();
  const body = await app(environ, held.startResponse);
  if (headerView(held.headers).get('etag') !== environ.HTTP_IF_NONE_MATCH) {
    startResponse(held.status, held.headers);
    return body;
  }
  startResponse('304 Not Modified', [['ETag', environ.HTTP_IF_NONE_MATCH ?? '']]);
  await body.close?.();
  return [];
};

/** Gives another page for a 404. */
const replacing: Middleware = (app) => async (environ, startResponse) => {
  let missing = false;
  const body = await app(environ, (status, headers, excInfo) => {
    missing = status.startsWith('404');
    return startResponse(status, missing ? plain() : headers, excInfo);
  });
  if (!missing) return body;
  await body.close?.();
  return [bytes('nothing here')];
};

/** Sends a request to the application of its first segment. */
const routes =
  (apps: Record<string, Application>): Application =>
  (environ, startResponse) => {
    const inner = { ...environ };
    const app = apps[shiftPathInfo(inner) ?? ''];
    if (app !== undefined) return app(inner, startResponse);
    startResponse('404 Not Found', plain());
    return closing(environ, [bytes('no such route')]);
  };

/** Lets nobody in. */
const refusing: Middleware = () => (_environ, startResponse) => {
  startResponse('401 Unauthorized', plain(['WWW-Authenticate', 'Basic realm="x"']));
  return [bytes('who are you?')];
};

/** Answers itself when the application takes too long (ms), and closes the body that still comes. */
const impatient: Middleware = (app) => async (environ, startResponse) => {
  const held = hold();
  const coming = Promise.resolve(app(environ, held.startResponse));
  const body = await Promise.race([coming, sleep(20)]);
  if (body !== undefined) {
    startResponse(held.status, held.headers);
    return body;
  }
  environ['wsgi_edge.wait_until'](coming.then((late) => late.close?.()));
  startResponse('503 Too Late', plain());
  return [bytes('too late')];
};

/** Notes the end of the response, whichever body it has. */
const ending: Middleware = (app) => async (environ, startResponse) => {
  const body = await app(environ, startResponse);
  const close = body.close?.bind(body);
  return Object.assign(body, {
    async close() {
      await close?.();
      note(environ, 'end');
    },
  });
};

/** Puts the path in front of each line of the log. */
const prefixing: Middleware = (app) => (environ, startResponse) => {
  const errors = environ['wsgi.errors'];
  const write = (text: string) => errors.write(`${environ.PATH_INFO}: ${text}`);
  const prefixed = {
    write,
    writelines: (texts: Iterable<string>) => [...texts].forEach(write),
    flush: () => errors.flush(),
  };
  return app({ ...environ, 'wsgi.errors': prefixed }, startResponse);
};

// The checks.

interface Wanted {
  request?: RawRequest;
  status?: number;
  headers?: Record<string, string | undefined>;
  events?: string[];
  values?: Record<string, unknown>;
}

/** What the run has left: the inner bodies were closed, once each, and nothing was logged. */
const leaves =
  ({ events = ['close'], values = {} }: Wanted = {}): Check =>
  async (_send, recall) => {
    const report = await recall((given) => given.events.length >= events.length);
    equal(report.events, events, 'events');
    for (const [name, wanted] of Object.entries(values)) equal(report.values[name], wanted, name);
    equal(report.errors, [], 'log');
  };

const gives =
  (text: string, wanted: Wanted = {}): Check =>
  async (send, recall) => {
    const response = await send(wanted.request);
    isWhole(response, text, wanted);
    await leaves(wanted)(send, recall);
  };

function isWhole(response: RawResponse, text: string, { status = 200, headers = {} }: Wanted): void {
  equal([response.status, textOf(response)], [status, text], 'response');
  ok(response.complete, 'the response is not complete');
  for (const [name, wanted] of Object.entries(headers)) equal(value(response, name), wanted, name);
}

/** The first chunk was there before the second was made: they come apart, as the application makes them. */
const streams =
  (text: string): Check =>
  async (send, recall) => {
    const response = await send();
    holds(response, text);
    const first = response.chunks.find((chunk) => chunk.bytes.length > 0);
    const last = response.chunks.at(-1);
    ok(first && last && last.at - first.at > 50, 'all came at once');
    await leaves()(send, recall);
  };

/** The gateway's 500, for an error that is in the log. */
const isLoggedPage =
  (message: string, events: string[]): Check =>
  async (send, recall) => {
    isErrorPage(await send());
    const report = await recall(({ errors }) => errors.length > 0);
    equal(report.events, events, 'events');
    ok(report.errors[0]?.includes(message), 'the log does not begin with the error');
  };

const fails = (message = 'broke'): never => {
  throw new Error(message);
};

/** Each kind of middleware around each kind of application. */
const everyPair = (
  [
    ['the Latinator of the PEP', latinator, 'ellohay orldway'],
    ['one that adds a header', labelling, 'hello world'],
    ['one that changes each chunk', shouting, 'HELLO WORLD'],
    ['one that adds to the end', signing, 'hello world, signed'],
    ['one that waits for the whole body', buffering, '<hello world>'],
    ['one that gives empty chunks until it has the whole body', accumulating, '<hello world>'],
    ['one that is a generator', generating, 'hello world'],
    ['one that hooks close()', ending, 'hello world'],
  ] as Array<[string, Middleware, string]>
).flatMap(([name, middleware, text]) =>
  applications.map(([kind, app]): Case => {
    const late = middleware === generating && kind.startsWith('write()');
    return {
      name: `${name}: ${kind}`,
      clause: BOTH,
      app: behind(app, middleware),
      check: gives(text, {
        headers: { 'x-old': '1' },
        ...(middleware === ending ? { events: ['close', 'end'] } : {}),
      }),
      ...(late
        ? {
            refused: {
              why: 'a generator calls the application, and this one write(), from within its iteration',
              check: refusedWith500,
            },
          }
        : {}),
    };
  }),
);

export const middleware: Case[] = [
  ...everyPair,

  // What a transformation may touch.
  {
    name: "the PEP's own iterator, around a list",
    clause: BOTH,
    app: behind(list, latinIter),
    check: gives('ellohay orldway'),
  },
  {
    name: "the PEP's own iterator, around a generator",
    clause: BOTH,
    app: behind(
      says(function* () {
        yield* GIVEN;
      }),
      latinIter,
    ),
    check: gives('ellohay orldway'),
  },
  {
    name: 'the Latinator leaves alone what is not text/plain',
    clause: BOTH,
    app: behind(
      says(
        () => [...GIVEN],
        [
          ['Content-Type', 'text/html'],
          ['Content-Length', '11'],
        ],
      ),
      latinator,
    ),
    check: gives('hello world'),
  },
  ...(
    [
      ['text/html', 'text/plain', 'roblemspay'],
      ['text/plain', 'text/html', 'problems'],
    ] as const
  ).map(
    ([first, second, text]): Case => ({
      name: `the Latinator decides anew when excInfo replaces ${first} by ${second}`,
      clause: BOTH,
      app: behind((environ, startResponse) => {
        startResponse('200 OK', [
          ['Content-Type', first],
          ['Content-Length', '100'],
        ]);
        startResponse('500 Own', [['Content-Type', second]], new Error('own'));
        return closing(environ, [bytes('problems')]);
      }, latinator),
      check: gives(text, { status: 500, headers: { 'content-type': second } }),
    }),
  ),
  {
    name: 'a compressing middleware, through a stream of the platform',
    clause: BOTH,
    app: behind(list, compressing),
    async check(send, recall) {
      const response = await send({ headers: [['Accept-Encoding', 'gzip']] });
      equal([response.status, value(response, 'content-encoding')], [200, 'gzip'], 'response');
      ok(response.complete, 'the response is not complete');
      const stream = new Blob([response.body as Uint8Array<ArrayBuffer>]).stream();
      equal(await new Response(stream.pipeThrough(new DecompressionStream('gzip'))).text(), 'hello world', 'body');
      await leaves()(send, recall);
    },
  },
  {
    name: 'five layers',
    clause: BOTH,
    app: behind(list, labelling, latinator, ending, generating, shouting),
    check: gives('ELLOHay ORLDWay', { headers: { 'x-label': 'labelled' }, events: ['close', 'end'] }),
  },
  {
    name: 'HEAD through five layers closes the body',
    clause: BOTH,
    app: behind(list, labelling, latinator, ending, generating, shouting),
    check: gives('', { request: { method: 'HEAD' }, headers: { 'x-label': 'labelled' }, events: ['close', 'end'] }),
  },
  {
    name: 'a header list of the application is not changed by a middleware that copies it',
    clause: 'The start_response() Callable',
    app: behind((environ, startResponse) => {
      const headers = plain(['X-A', '1']);
      startResponse('200 OK', headers);
      keep(environ, 'headers', headers);
      return closing(environ, []);
    }, labelling),
    check: gives('', { values: { headers: plain(['X-A', '1']) } }),
  },

  // Routing, and answers of its own.
  {
    name: 'routing: the application of the first segment',
    clause: BOTH,
    app: behind((environ, startResponse) => {
      const route = routes({
        one: says((inner) => [bytes(`one ${inner.SCRIPT_NAME} ${inner.PATH_INFO}`)], plain()),
        two: says(() => [bytes('two')], plain()),
      });
      const answer = route(environ, startResponse);
      keep(environ, 'path', environ.PATH_INFO);
      return answer;
    }, labelling),
    check: gives('one /one /x', { request: { target: '/one/x' }, values: { path: '/one/x' } }),
  },
  {
    name: 'routing: an answer of its own where there is none',
    clause: BOTH,
    app: behind(routes({ one: list }), shouting),
    check: gives('NO SUCH ROUTE', { request: { target: '/three' }, status: 404 }),
  },
  {
    name: 'a middleware that answers itself does not call the application',
    clause: BOTH,
    app: behind(
      (environ, startResponse) => {
        note(environ, 'called');
        return list(environ, startResponse);
      },
      shouting,
      refusing,
    ),
    check: gives('WHO ARE YOU?', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, events: [] }),
  },
  {
    name: 'a middleware that waits no longer closes the body that still comes',
    clause: DETAILS,
    app: behind(async (environ, startResponse) => {
      // In steps: on a busy machine one long wait could end in the same turn as that of the middleware, and before it.
      for (let i = 0; i < 5; i++) await sleep(20);
      return list(environ, startResponse);
    }, impatient),
    check: gives('too late', { status: 503 }),
  },
  {
    name: 'keys of its own in environ reach the application inside, and nobody outside',
    clause: 'environ Variables',
    app: behind(
      says((environ) => [bytes(String(environ['x.user']))], plain()),
      (app) => async (environ, startResponse) => {
        const body = await app(environ, startResponse);
        keep(environ, 'outside', Object.hasOwn(environ, 'x.user'));
        return body;
      },
      (app) => (environ, startResponse) => app({ ...environ, 'x.user': 'someone' }, startResponse),
    ),
    check: gives('someone', { values: { outside: false } }),
  },
  {
    name: 'wsgi.errors may be replaced',
    clause: 'Input and Error Streams',
    app: behind(
      says((environ) => {
        environ['wsgi.errors'].writelines(['one\n', 'two\n']);
        return [bytes('body')];
      }, plain()),
      prefixing,
    ),
    async check(send, recall) {
      await send({ target: '/path' });
      equal(
        (await recall((report) => report.errors.length > 1)).errors.slice(0, 2),
        ['/path: one', '/path: two'],
        'log',
      );
    },
  },

  // The request body.
  ...(
    [
      ['read()', async (environ) => environ['wsgi.input'].read()],
      [
        'lines',
        async (environ) => {
          const lines: Uint8Array[] = [];
          for await (const line of environ['wsgi.input']) lines.push(line);
          return bytes(lines.map(native).join(''));
        },
      ],
      ['readlines()', async (environ) => bytes((await environ['wsgi.input'].readlines()).map(native).join(''))],
      ['inputStream()', async (environ) => bytes(await new Response(inputStream(environ)).text())],
    ] as Array<[string, (environ: Environ) => Promise<Uint8Array>]>
  ).flatMap(([name, read]): Case[] => {
    const echo: Application = async (environ, startResponse) => {
      const data = await read(environ);
      startResponse('200 OK', plain(['X-Length', environ.CONTENT_LENGTH ?? 'none']));
      return closing(environ, [data]);
    };
    const request = { method: 'POST', body: bytes('one\ntwo\n') };
    return [
      {
        name: `wsgi.input may be replaced: ${name} gives the new body`,
        clause: 'Input and Error Streams',
        app: behind(echo, rewriting),
        check: gives('ONE\nTWO\n', { request, headers: { 'x-length': '8' } }),
      },
      {
        name: `wsgi.input may be wrapped: ${name} comes through`,
        clause: 'Input and Error Streams',
        app: behind(echo, metering),
        check: gives('one\ntwo\n', { request, values: { read: 8 } }),
      },
    ];
  }),

  // Calling the application more than once.
  {
    name: 'retry: each body is closed, and the third answer sent',
    clause: BOTH,
    app: behind((environ, startResponse) => {
      const attempt = Number(environ['x.attempt']);
      startResponse(attempt < 3 ? '503 Not Yet' : '200 OK', plain(['X-Attempt', String(attempt)]));
      return closing(environ, [bytes(`attempt ${attempt}`)], `close ${attempt}`);
    }, retrying),
    check: gives('attempt 3', { headers: { 'x-attempt': '3' }, events: ['close 1', 'close 2', 'close 3'] }),
  },
  {
    name: 'retry: the request body is there each time',
    clause: BOTH,
    app: behind(async (environ, startResponse) => {
      const data = await environ['wsgi.input'].read();
      if (Number(environ['x.attempt']) < 2) throw new Error('not yet');
      startResponse('200 OK', plain());
      return closing(environ, [data]);
    }, retrying),
    check: gives('data', { request: { method: 'POST', body: bytes('data') } }),
  },
  {
    name: 'retry: a body that fails is closed before the next attempt',
    clause: BOTH,
    app: behind((environ, startResponse) => {
      const attempt = Number(environ['x.attempt']);
      note(environ, `call ${attempt}`);
      startResponse('200 OK', plain());
      const body = generate([bytes('part'), bytes(' whole')]);
      const failing = (async function* () {
        yield bytes('part');
        fails();
      })();
      return closing(environ, attempt === 1 ? failing : body, `close ${attempt}`);
    }, retrying),
    check: gives('part whole', { events: ['call 1', 'close 1', 'call 2', 'close 2'] }),
  },
  {
    name: 'the bodies of two calls as one',
    clause: BOTH,
    app: behind((environ, startResponse) => {
      startResponse('200 OK', plain(['Content-Length', '4']));
      return closing(environ, [bytes(environ.PATH_INFO)], `close ${environ.PATH_INFO}`);
    }, joining),
    check: gives('/one/two', { events: ['close /one', 'close /two'] }),
  },

  // Bodies that are not sent.
  ...applications
    .filter(([kind]) => !/write|generator$/.test(kind) || kind === 'a generator' || kind === 'an async generator')
    .map(
      ([kind, app]): Case => ({
        name: `a body that a middleware swallows is closed: ${kind}`,
        clause: DETAILS,
        app: behind(
          (environ, startResponse) =>
            app(environ, (_status, headers) => startResponse('404 Not Found', [...headers, ['X-Inner', '1']])),
          replacing,
        ),
        check: gives('nothing here', { status: 404, headers: { 'x-inner': undefined } }),
      }),
    ),
  {
    name: 'a stream that a middleware swallows is cancelled',
    clause: FILE,
    app: behind((environ, startResponse) => {
      startResponse('404 Not Found', plain());
      const cancel = () => note(environ, 'cancel');
      return environ['wsgi.file_wrapper'](new ReadableStream<Uint8Array>({ cancel }));
    }, replacing),
    check: gives('nothing here', { status: 404, events: ['cancel'] }),
  },
  {
    name: 'a 304 in place of the body',
    clause: DETAILS,
    app: behind(
      says(
        function* (environ) {
          note(environ, 'read');
          yield* GIVEN;
        },
        plain(['ETag', '"1"']),
      ),
      conditional,
    ),
    check: gives('', { request: { headers: [['If-None-Match', '"1"']] }, status: 304, headers: { etag: '"1"' } }),
  },
  {
    name: 'no 304, and the body as it was',
    clause: DETAILS,
    app: behind(
      says(() => [...GIVEN], plain(['ETag', '"2"'])),
      conditional,
    ),
    check: gives('hello world', { request: { headers: [['If-None-Match', '"1"']] }, headers: { etag: '"2"' } }),
  },

  {
    name: 'a middleware that needs no more than one chunk: the body inside is ended and closed',
    clause: DETAILS,
    app: behind(
      says(async function* (environ) {
        try {
          yield* GIVEN;
        } finally {
          note(environ, 'ended');
        }
      }),
      labelling,
      shortening,
      shouting,
    ),
    check: gives('HELLO ', { events: ['ended', 'close'] }),
  },
  {
    name: 'a close() that fails behind three layers is logged, and the response is whole',
    clause: DETAILS,
    app: behind(
      (_environ, startResponse) => {
        startResponse('200 OK', WITH_LENGTH);
        return Object.assign([...GIVEN], { close: async () => fails('close') });
      },
      labelling,
      shouting,
      ending,
    ),
    async check(send, recall) {
      holds(await send(), 'HELLO WORLD');
      const { errors } = await recall((report) => report.errors.length > 0);
      ok(errors[0]?.includes('close'), 'the log does not begin with the error');
    },
  },

  // Exceptions.
  {
    name: 'catching: the application throws before startResponse',
    clause: ERRORS,
    app: behind(() => fails('early'), catching),
    check: gives('caught', { status: 502, headers: { 'x-caught': 'early' }, events: [] }),
  },
  {
    name: 'catching: the application rejects after startResponse',
    clause: ERRORS,
    app: behind(async (_environ, startResponse) => {
      startResponse('200 OK', WITH_LENGTH);
      await null;
      return fails('after');
    }, catching),
    check: gives('caught', { status: 502, headers: { 'x-caught': 'after', 'x-old': undefined }, events: [] }),
  },
  {
    name: 'catching: the body fails at its first step',
    clause: ERRORS,
    app: behind(
      says(async function* () {
        yield fails('first');
      }),
      catching,
    ),
    check: gives('caught', { status: 502, headers: { 'x-caught': 'first', 'x-old': undefined } }),
  },
  {
    name: 'catching: the body fails after an empty chunk',
    clause: ERRORS,
    app: behind(
      says(async function* () {
        yield new Uint8Array(0);
        fails('second');
      }),
      catching,
    ),
    check: gives('caught', { status: 502, headers: { 'x-caught': 'second', 'x-old': undefined } }),
  },
  {
    name: 'catching: a startResponse that the application got wrong',
    clause: ERRORS,
    app: behind((_environ, startResponse) => {
      startResponse('200 OK', plain(['X-Bad', 'a\nb']));
      return [];
    }, catching),
    async check(send, recall) {
      const response = await send();
      equal([response.status, textOf(response)], [502, 'caught'], 'response');
      ok(value(response, 'x-caught')?.includes('contains LF'), 'not the error of startResponse');
      await leaves({ events: [] })(send, recall);
    },
  },
  {
    name: 'catching through two layers that transform',
    clause: ERRORS,
    app: behind(
      says(async function* () {
        yield fails('deep');
      }),
      latinator,
      catching,
      shouting,
    ),
    check: gives('aughtcay', { status: 502, headers: { 'x-caught': 'deep', 'x-old': undefined } }),
  },
  ...(
    [
      [
        'a chunk',
        says(async function* () {
          yield bytes('part');
          fails('late');
        }, plain()),
      ],
      [
        'write()',
        async (environ, startResponse) => {
          await startResponse('200 OK', plain())(bytes('part'));
          return closing(
            environ,
            (async function* () {
              yield fails('late');
            })(),
          );
        },
      ],
    ] as Array<[string, Application]>
  ).flatMap(([after, app]): Case[] => {
    // write() from within the iteration of `catching` is what the validator refuses; a second startResponse tells.
    const inside: Middleware = after === 'write()' ? catchingAtOnce : catching;
    return [
      {
        name: `catching after ${after}: startResponse throws the same error back, the body is closed`,
        clause: ERRORS,
        app: behind(app, inside),
        async check(send, recall) {
          await send();
          const report = await recall(({ events, errors }) => events.length > 0 && errors.length > 0);
          equal([report.events, report.values['thrown back']], [['close'], true], 'events');
          ok(report.errors.join('\n').includes('late'), 'the error is not in the log');
        },
      },
      {
        name: `catching after ${after}: the client can tell`,
        clause: ERRORS,
        needs: ['truncation'],
        app: behind(app, inside),
        async check(send) {
          isBroken(await send());
        },
      },
    ];
  }),

  {
    name: 'a middleware that fails at a chunk: the body inside is ended and closed',
    clause: ERRORS,
    app: behind(
      says(async function* (environ) {
        try {
          yield bytes('part');
          yield bytes('never');
        } finally {
          note(environ, 'ended');
        }
      }),
      labelling,
      (app) => async (environ, startResponse) => mapped(await app(environ, startResponse), () => fails('middle')),
    ),
    check: isLoggedPage('middle', ['ended', 'close']),
  },
  {
    name: 'a middleware that fails in its startResponse',
    clause: ERRORS,
    app: behind(list, labelling, (app) => (environ) => app(environ, () => fails('in between'))),
    check: isLoggedPage('in between', []),
  },

  // Files.
  {
    name: 'a file passes untouched through middleware that adds a header',
    clause: FILE,
    app: behind(
      (environ, startResponse) => {
        startResponse('200 OK', plain());
        return environ['wsgi.file_wrapper'](new Blob(['hello world']));
      },
      (app) => async (environ, startResponse) => {
        const body = await app(environ, startResponse);
        keep(environ, 'file', body instanceof FileWrapper);
        return body;
      },
      ending,
      labelling,
    ),
    check: gives('hello world', { headers: { 'x-label': 'labelled' }, events: ['end'], values: { file: true } }),
  },
  {
    name: 'wsgi.file_wrapper may be replaced',
    clause: FILE,
    app: behind(
      (environ, startResponse) => {
        startResponse('200 OK', plain());
        return environ['wsgi.file_wrapper'](reader(environ), 4);
      },
      (app) => (environ, startResponse) =>
        app(
          {
            ...environ,
            'wsgi.file_wrapper': (source, size) => mapped(new FileWrapper(source, size), upper),
          },
          startResponse,
        ),
    ),
    check: gives('HELLO WORLD'),
  },

  // Lengths.
  {
    name: 'a body that is cut at its Content-Length is closed through the layers',
    clause: 'Handling the Content-Length Header',
    app: behind(
      says(() => generate(GIVEN), plain(['Content-Length', '8'])),
      labelling,
      shouting,
      generating,
    ),
    async check(send, recall) {
      holds(await send(), 'HELLO WO');
      const { events, errors } = await recall((report) => report.events.length > 0);
      equal(events, ['close'], 'events');
      ok(errors.join('\n').includes('Content-Length'), 'the log does not name Content-Length');
    },
    refused: {
      why: 'a body may be no longer than its Content-Length',
      async check(send, recall) {
        await send();
        const { events, errors } = await recall((report) => report.events.length > 0);
        equal(events, ['close'], 'events');
        ok(errors.join('\n').includes('Content-Length'), 'the log does not name Content-Length');
      },
    },
  },

  // Streaming.
  ...(
    [
      ['the Latinator', slow, 'neoaywotay', [latinator]],
      ['one that adds a header', slow, 'onetwo', [labelling]],
      ['one that is a generator', slow, 'onetwo', [generating]],
      ['mapResponse', slow, 'ONETWO', [(app) => mapResponse(app, { chunk: upper })]],
      ['four layers', slow, 'NEOAYWOTAY', [labelling, shouting, latinator, generating]],
      [
        'write() through two layers',
        async (environ, startResponse) => {
          const write = startResponse('200 OK', plain());
          await write(bytes('one'));
          await sleep(300);
          await write(bytes('two'));
          return closing(environ, []);
        },
        'NEOAYWOTAY',
        [shouting, latinator],
      ],
      [
        'a file that passes untouched',
        (environ, startResponse) => {
          startResponse('200 OK', plain());
          const stream = new ReadableStream<Uint8Array>(
            {
              async pull(controller) {
                controller.enqueue(bytes('one'));
                await sleep(300);
                controller.enqueue(bytes('two'));
                controller.close();
              },
            },
            { highWaterMark: 0 },
          );
          return Object.assign(environ['wsgi.file_wrapper'](stream), { close: () => note(environ, 'close') });
        },
        'onetwo',
        [labelling],
      ],
    ] as Array<[string, Application, string, Middleware[]]>
  ).map(
    ([name, app, text, layers]): Case => ({
      name: `middleware does not hold a chunk back: ${name}`,
      clause: BLOCKS,
      needs: ['streaming'],
      app: behind(app, ...layers),
      check: streams(text),
    }),
  ),
  {
    name: 'request and response go on at the same time through four layers',
    clause: BLOCKS,
    needs: ['duplex'],
    app: behind(
      async function* (environ, startResponse) {
        startResponse('200 OK', plain());
        yield bytes('ready\n');
        for await (const line of environ['wsgi.input']) yield line;
        note(environ, 'close');
      },
      metering,
      labelling,
      shouting,
      generating,
    ),
    async check(send, recall) {
      // Each line is sent when the answer to the one before is there, if it comes at all.
      let heard = '';
      const unanswered: string[] = [];
      async function* body() {
        for (const line of ['one\n', 'two\n']) {
          for (let i = 0; i < 50 && !heard.endsWith('\n'); i++) await sleep(20);
          if (!heard.endsWith('\n')) unanswered.push(line);
          heard = '';
          yield bytes(line);
        }
      }
      const onChunk = (part: Uint8Array) => {
        heard += native(part);
      };
      holds(await send({ method: 'POST', body: body(), onChunk }), 'READY\nONE\nTWO\n');
      equal(unanswered, [], 'lines sent without an answer to the one before');
      await leaves()(send, recall);
    },
  },
  {
    name: 'a client that does not read stops the body behind three layers',
    clause: BLOCKS,
    needs: ['backPressure'],
    app: behind(endless, labelling, shouting, generating),
    async check(send, recall) {
      await send({ stall: 400 });
      const { values, events } = await recall((report) => report.events.length > 1);
      ok(Number(values.made) < 2000, `all ${values.made} chunks were made`);
      equal(events, ['ended', 'close'], 'events');
    },
  },
  {
    name: 'the client goes away: the body behind three layers is ended and closed once',
    clause: DETAILS,
    needs: ['disconnect'],
    app: behind(endless, labelling, shouting, generating),
    async check(send, recall) {
      await send({ hangUpAfter: 1 });
      await leaves({ events: ['ended', 'close'] })(send, recall);
    },
  },

  // The middleware of the package, around every kind of body.
  ...Object.entries(shipped).flatMap(([name, middleware]) =>
    applications.map(
      ([kind, app]): Case => ({
        name: `${name} of the package around ${kind}`,
        clause: 'docs/MIDDLEWARE.md',
        app: behind(app, middleware, labelling),
        check: gives('hello world', {
          request: { headers: [['Authorization', 'Basic dTpw']] },
          headers: { 'x-label': 'labelled' },
        }),
      }),
    ),
  ),

  // Middleware that awaits the application, and looks at a head that a generator has not given yet.
  ...(
    [
      ['labels a body that it does not encode', tooEager, 'the body is not gzip'],
      ['changes the head too late', tooLate, 'changed the header "X-Late"'],
    ] as Array<[string, Middleware, string]>
  ).map(
    ([name, middleware, warning]): Case => ({
      name: `middleware that ${name} is named in the log`,
      clause: CALLABLE,
      app: behind(async function* (environ, startResponse) {
        startResponse('200 OK', plain());
        yield* GIVEN;
        note(environ, 'close');
      }, middleware),
      async check(send, recall) {
        // The second time, the place of the call is known.
        await send();
        equal(textOf(await send()), 'hello world', 'body');
        const { errors } = await recall((report) => report.errors.length > 1);
        const text = errors.join('\n');
        ok(text.includes(warning), `the log does not warn: ${text}`);
        ok(/called at .*(middleware|worker|index|application|\.js|\.ts)/.test(text), `no place is named: ${text}`);
      },
      refused: { why: 'the response would be corrupt, or the change lost', check: refusedWith500 },
    }),
  ),
];
