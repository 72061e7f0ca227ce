import { bytes, type Row, SENT, text } from './row.js';

const OK = 'start_response ok';
const TWO = [OK, 'iter', 'next 1', 'next 2', 'stop', 'close'];

export const environs: Row[] = [
  {
    id: 'env_mutate',
    title: 'changes to environ do not change the response',
    app: (environ, start, seen) => {
      Object.assign(environ, {
        REQUEST_METHOD: 'HEAD',
        SERVER_PROTOCOL: 'HTTP/1.0',
        HTTP_CONNECTION: 'close',
        PATH_INFO: '/changed',
        'wsgi.url_scheme': 'https',
      });
      for (const key of ['HTTP_HOST', 'wsgi.input']) delete environ[key];
      start('200 OK', text());
      return seen.body([bytes('hel'), bytes('lo')]);
    },
    expect: { ...SENT, body: 'hello', events: TWO },
  },
  {
    id: 'env_clear',
    title: 'an emptied environ does not change the response',
    app: (environ, start, seen) => {
      for (const key of Object.keys(environ)) delete environ[key];
      start('200 OK', text());
      return seen.body([bytes('hel'), bytes('lo')]);
    },
    expect: { ...SENT, body: 'hello', events: TWO },
  },
  {
    id: 'env_errors',
    title: 'wsgi.errors takes any text',
    app: (environ, start, seen) => {
      const errors = environ['wsgi.errors'];
      const calls: Array<() => unknown> = [
        () => errors.write('err-ascii\n'),
        () => errors.write('err-\u00e9-\u20ac-\u{1f600}\n'),
        () => errors.writelines(['err-a\n', 'err-b\n']),
        () => errors.flush(),
        () => errors.write('err-no-newline'),
        () => errors.flush(),
        () => errors.write(bytes('err-bytes\n') as unknown as string),
      ];
      for (const call of calls)
        try {
          seen.note(String(call()));
        } catch {
          seen.note('throws');
        }
      start('200 OK', text(['Content-Length', '1']));
      return [bytes('x')];
    },
    expect: {
      ...SENT,
      body: 'x',
      events: [...Array<string>(6).fill('undefined'), 'throws', OK],
      log: /^err-ascii\nerr-\u00e9-\u20ac-\u{1f600}\nerr-a\nerr-b\nerr-no-newline$/u,
    },
  },
  {
    id: 'env_positional',
    title: 'what the application is called with',
    app: (_environ, start, seen) => {
      const write = start('200 OK', text(['Content-Length', '1']));
      seen.note(`start_response is a ${typeof start}, write a ${typeof write}`);
      return [bytes('x')];
    },
    expect: { ...SENT, body: 'x', events: [OK, 'start_response is a function, write a function'] },
  },
];
