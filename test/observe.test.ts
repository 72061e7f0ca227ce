// What an operator sees of a request: its id, the records of the log, and the hooks of `observe`.
import { describe, expect, it, vi } from 'vitest';
import { ClientDisconnected, logRecord, toFetchHandler, WsgiError } from '../src/index.js';
import type { Application, GatewayOptions, LogRecord, Observer } from '../src/types.js';
import { validator } from '../src/validator/index.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
const hello: Application = (_environ, startResponse) => {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [bytes('hello')];
};

/** Notes what the log and the hooks are told. */
function watched() {
  const records: LogRecord[] = [];
  const events: string[] = [];
  const observe: Observer = {
    onRequest: ({ PATH_INFO: path }) => void events.push(`request ${path}`),
    onResponse: ({ status, bytes, aborted, error }) =>
      void events.push(`response ${status} ${bytes}${aborted ? ' aborted' : ''}${error ? ` ${String(error)}` : ''}`),
    onError: (error, { phase, environ }) => void events.push(`${phase} ${environ.PATH_INFO} ${String(error)}`),
  };
  return { records, events, options: { observe, errors: { record: (each: LogRecord) => void records.push(each) } } };
}

const request = (path = '/p', init: RequestInit = {}) => new Request(`http://h.example${path}`, init);

describe('the hooks of observe', () => {
  const boom = () => {
    throw new Error('boom');
  };
  const closing = (chunks: Uint8Array[], close: () => void) => Object.assign(chunks, { close });
  const streamed: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield bytes('one');
    yield bytes('two!');
  };
  const late: Application = async function* (_environ, startResponse) {
    startResponse('200 OK', []);
    yield bytes('one');
    boom();
  };
  const inClose: Application = (_environ, startResponse) => {
    startResponse('201 Created', []);
    return closing([bytes('hello')], boom);
  };
  const inBackground: Application = (environ, startResponse) => {
    environ['wsgi_edge.wait_until'](Promise.reject(new Error('boom')));
    return hello(environ, startResponse);
  };

  it.each<[string, Application, string[]]>([
    ['a whole response', hello, ['response 200 5']],
    ['a stream', streamed, ['response 200 7']],
    ['an error before the head', boom, ['before_head /p Error: boom', 'response 500 PAGE Error: boom']],
    ['an error after the head', late, ['after_head /p Error: boom', 'response 200 3 aborted Error: boom']],
    ['an error in close()', inClose, ['close /p Error: boom', 'response 201 5 Error: boom']],
    ['an error in wait_until', inBackground, ['response 200 5', 'wait_until /p Error: boom']],
  ])('are told of %s', async (_, app, expected) => {
    const { events, records, options } = watched();
    const response = await toFetchHandler(app, options)(request());
    const page = await response.text().catch(() => '');
    await turn();
    expect(events).toEqual(['request /p', ...expected.map((event) => event.replace('PAGE', String(page.length)))]);
    expect(records.length).toBe(expected.length - 1);
  });

  it('are told of a request that is refused, with the reason', async () => {
    const { events, records, options } = watched();
    const handler = toFetchHandler(hello, { ...options, maxBody: 3 });
    const response = await handler(request('/p', { method: 'POST', body: 'four', headers: { 'Content-Length': '4' } }));
    expect(response.status).toBe(413);
    const reason = 'client: the request body has 4 bytes, more than maxBody';
    expect(events).toEqual([
      'request /p',
      `refused /p BodyTooLarge: ${reason}`,
      `response 413 18 BodyTooLarge: ${reason}`,
    ]);
    expect(records).toMatchObject([{ level: 'warn', message: reason, method: 'POST', path: '/p' }]);
  });

  it('are told of a client that leaves, which is no error', async () => {
    const { events, records, options } = watched();
    const endless: Application = async function* (_environ, startResponse) {
      startResponse('200 OK', []);
      for (;;) yield bytes('more');
    };
    const reader = ((await toFetchHandler(endless, options)(request())).body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await turn();
    const gone = new ClientDisconnected();
    expect(events.map((event) => event.replace(/200 \d+/, '200'))).toEqual([
      'request /p',
      `response 200 aborted ${gone}`,
    ]);
    expect(records).toEqual([]);
  });

  it('have the time, the environ and the error itself', async () => {
    const onResponse = vi.fn();
    const onError = vi.fn();
    const error = new Error('x');
    const app: Application = () => {
      throw error;
    };
    await toFetchHandler(app, { errors: () => {}, observe: { onResponse, onError } })(request());
    const [end] = onResponse.mock.calls[0] as [Parameters<NonNullable<Observer['onResponse']>>[0]];
    expect(end).toMatchObject({ status: 500, error, aborted: false, environ: { PATH_INFO: '/p' } });
    expect(end.duration).toBeGreaterThanOrEqual(0);
    expect(onError).toHaveBeenCalledWith(error, { environ: end.environ, phase: 'before_head' });
  });

  it('may fail or wait: that is logged, breaks nothing, and the platform waits', async () => {
    const records: LogRecord[] = [];
    const kept: Promise<unknown>[] = [];
    const observe: Observer = { onRequest: boom, onResponse: async () => boom() };
    const ctx = { waitUntil: (promise: Promise<unknown>) => void kept.push(promise) };
    const options: GatewayOptions = { observe, errors: { record: (each) => void records.push(each) } };
    const response = await toFetchHandler(hello, options)(request(), undefined, ctx);
    expect(await response.text()).toBe('hello');
    await Promise.all(kept);
    expect(kept.length).toBe(1);
    expect(records.map(({ message }) => message.split('\n')[0])).toEqual([
      'observe: onRequest failed: Error: boom',
      'observe: onResponse failed: Error: boom',
    ]);
  });

  it.each([
    ['observe', 'x', /observe must be an object with onRequest, onResponse or onError, not a string/],
    ['observe', { onRequest: 1 }, /observe: onRequest must be a function, not a number/],
    ['trustRequestId', 'yes', /trustRequestId must be true or false, not "yes"/],
    ['errors', {}, /errors must be a function, or an object with record\(\), not an Object/],
  ])('refuses %s: %j', (option, value, message) => {
    expect(() => toFetchHandler(hello, { [option]: value })).toThrow(message);
    expect(() => toFetchHandler(hello, { [option]: value })).toThrow(WsgiError);
  });
});

describe('records of the log', () => {
  it('have the request; text of clients is escaped', async () => {
    const { records, options } = watched();
    const error = new Error('no user x\n[1] GET /: admin logged in\x1b[31m');
    const app: Application = () => {
      throw error;
    };
    await toFetchHandler(app, options)(request('/caf%C3%A9%0a%1b%E2%80%A8'));
    expect(records.length).toBe(1);
    const [{ message, ...rest }] = records as [LogRecord];
    expect(rest).toEqual({
      level: 'error',
      error,
      request_id: expect.any(String),
      method: 'GET',
      path: '/café\\x0a\\x1b\\u2028',
    });
    expect(message).toMatch(/^Error: no user x\\n\[1\] GET \/: admin logged in\\x1b\[31m\n {4}at /);
  });

  it('keep their level and fields, through the validator too; text written by the application is an error', async () => {
    const { records, options } = watched();
    const app: Application = (environ, startResponse) => {
      logRecord(environ, { level: 'info', message: 'order placed', order: 17 });
      environ['wsgi.errors'].write('one\ntwo\x1b[31m\n');
      return hello(environ, startResponse);
    };
    await toFetchHandler(validator(app), options)(request());
    expect(records).toMatchObject([
      { level: 'info', message: 'order placed', order: 17, method: 'GET', path: '/p' },
      { level: 'error', message: 'one\ntwo\\x1b[31m' },
    ]);
  });

  it.each<[unknown, string]>([
    ['text', 'logRecord: takes { level, message } with the level debug, info, warn or error, not "text"'],
    [null, 'not null'],
    [{ level: 'info', message: 5 }, 'not {"level":"info","message":5}'],
    [{ level: 'fatal', message: 'x' }, 'not {"level":"fatal","message":"x"}'],
    [{ message: 'x' }, 'not {"message":"x"}'],
  ])('are refused if no log could take them: %j', async (entry, message) => {
    const { records, options } = watched();
    const app: Application = (environ, startResponse) => {
      expect(() => logRecord(environ, entry as never)).toThrow(message);
      expect(() => logRecord(environ, entry as never)).toThrow(WsgiError);
      return hello(environ, startResponse);
    };
    expect((await toFetchHandler(app, options)(request())).status).toBe(200);
    expect(records).toEqual([]);
  });

  it('go to the console if the record() of the option fails, such as on a field that is not JSON', async () => {
    const console_ = vi.spyOn(console, 'error').mockImplementation(() => {});
    const app: Application = (environ, startResponse) => {
      logRecord(environ, { level: 'info', message: 'order placed', order: 17n });
      return hello(environ, startResponse);
    };
    const reject = async () => {
      throw new Error('no disk');
    };
    for (const record of [(each: LogRecord) => JSON.stringify(each), reject])
      await toFetchHandler(app, { errors: { record } as never })(request());
    const told = console_.mock.calls.flat();
    console_.mockRestore();
    expect(told).toEqual([
      expect.stringMatching(
        /^toFetchHandler: errors\.record\(\) failed \(TypeError: .*BigInt\) on this entry: \[\S+\] order placed$/,
      ),
      expect.stringMatching(/failed \(Error: no disk\) on this entry: \[\S+\] order placed$/),
    ]);
  });

  it('are taken by the log of another copy of the package', async () => {
    const { records, options } = watched();
    vi.resetModules();
    const copy = await import('../src/index.js');
    expect(copy.logRecord).not.toBe(logRecord);
    const app: Application = (environ, startResponse) => {
      copy.logRecord(environ, { level: 'info', message: 'order placed', order: 17 });
      return hello(environ, startResponse);
    };
    await toFetchHandler(app, options)(request());
    expect(records).toMatchObject([{ level: 'info', message: 'order placed', order: 17 }]);
  });

  it('become text where wsgi.errors is another stream', () => {
    const write = vi.fn();
    logRecord({ 'wsgi.errors': { write } as never }, { level: 'info', message: 'x' });
    expect(write).toHaveBeenCalledWith('x\n');
  });
});

describe('the id of a request', () => {
  const idOf = async (options: GatewayOptions, headers: Record<string, string> = {}) => {
    let id = '';
    const app: Application = (environ, startResponse) => {
      id = environ['wsgi_edge.request_id'];
      return hello(environ, startResponse);
    };
    await toFetchHandler(app, options)(request('/', { headers }));
    return id;
  };

  it('is another one for each request', async () => {
    const ids = await Promise.all(Array.from({ length: 100 }, () => idOf({})));
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]+-\d+$/);
  });

  it('is that of the client only if it is trusted and fit for a log', async () => {
    const headers = { 'X-Request-Id': 'abc-1' };
    expect(await idOf({}, headers)).not.toBe('abc-1');
    expect(await idOf({ trustRequestId: true }, headers)).toBe('abc-1');
    for (const bad of ['a b', 'x'.repeat(129), 'caf\xe9', ''])
      expect(await idOf({ trustRequestId: true }, { 'X-Request-Id': bad })).toMatch(/^[a-z0-9]+-\d+$/);
  });
});
