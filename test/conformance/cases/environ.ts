import { decodeNative, encodeNative } from '../../../src/native-string.js';
import type { Environ, HeaderList } from '../../../src/types.js';
import {
  answer,
  bytes,
  type Case,
  equal,
  holds,
  native,
  ok,
  plain,
  type RawResponse,
  type Send,
  textOf,
} from '../case.js';
import { keep } from '../report.js';

const VARIABLES = 'environ Variables';
const STRINGS = 'A Note On String Types';

/** Answers with the strings of environ. */
const strings = answer((environ) =>
  JSON.stringify(Object.fromEntries(Object.entries(environ).filter(([, value]) => typeof value === 'string'))),
);

type Strings = Record<string, string | undefined>;
const stringsOf = (response: RawResponse): Strings => {
  holds(response);
  return JSON.parse(textOf(response)) as Strings;
};
const path = (target: string, expected: string) => async (send: Send) => {
  equal(stringsOf(await send({ target })).PATH_INFO, expected, 'PATH_INFO');
};
const header =
  (headers: HeaderList, expected: Record<string, string | undefined>) =>
  async (send: Send): Promise<void> => {
    const environ = stringsOf(await send({ headers }));
    for (const [key, value] of Object.entries(expected)) equal(environ[key], value, key);
  };

export const environ: Case[] = [
  {
    name: 'required keys are there',
    clause: VARIABLES,
    app: strings,
    async check(send) {
      const environ = stringsOf(await send({ target: '/p?q=1' }));
      for (const key of ['REQUEST_METHOD', 'SERVER_NAME', 'SERVER_PORT', 'SERVER_PROTOCOL', 'wsgi.url_scheme'])
        ok(environ[key], `${key} is absent or empty`);
      equal(environ.REQUEST_METHOD, 'GET', 'REQUEST_METHOD');
      equal(environ.PATH_INFO, '/p', 'PATH_INFO');
      equal(environ.QUERY_STRING, 'q=1', 'QUERY_STRING');
      equal(environ.GATEWAY_INTERFACE, 'CGI/1.1', 'GATEWAY_INTERFACE');
      ok(/^wsgi-edge\/\d/.test(environ.SERVER_SOFTWARE ?? ''), `SERVER_SOFTWARE is ${environ.SERVER_SOFTWARE}`);
      ok(/^HTTP\/\d(\.\d)?$/.test(environ.SERVER_PROTOCOL ?? ''), `SERVER_PROTOCOL is ${environ.SERVER_PROTOCOL}`);
      ok(/^\d+$/.test(environ.SERVER_PORT ?? ''), `SERVER_PORT is ${environ.SERVER_PORT}`);
      ok(/^https?$/.test(environ['wsgi.url_scheme'] ?? ''), `wsgi.url_scheme is ${environ['wsgi.url_scheme']}`);
      equal(environ.HTTPS, environ['wsgi.url_scheme'] === 'https' ? 'on' : undefined, 'HTTPS');
    },
  },
  {
    name: 'wsgi keys have their types and values',
    clause: VARIABLES,
    app: answer((environ) =>
      JSON.stringify([
        environ['wsgi.version'],
        environ['wsgi.multithread'],
        environ['wsgi.multiprocess'],
        environ['wsgi.run_once'],
        environ['wsgi.input_terminated'],
        typeof environ['wsgi.file_wrapper'],
        typeof environ['wsgi_edge.wait_until'],
        environ['wsgi_edge.signal'] instanceof AbortSignal && environ['wsgi_edge.signal'].aborted,
      ]),
    ),
    async check(send) {
      const expected = [[1, 0], false, true, false, true, 'function', 'function', false];
      holds(await send(), JSON.stringify(expected));
    },
  },
  {
    name: 'environ is a plain object',
    clause: VARIABLES,
    app: answer((environ) => {
      const own = Object.keys(environ);
      const listed: string[] = [];
      for (const key in environ) listed.push(key);
      const accessors = Object.values(Object.getOwnPropertyDescriptors(environ)).filter(
        (one) => one.get || one.set || !one.writable || !one.enumerable || !one.configurable,
      );
      const copy: Environ = { ...environ };
      const texts = JSON.parse(
        JSON.stringify(
          environ,
          own.filter((key) => typeof environ[key] === 'string'),
        ),
      );
      environ['x.added'] = 1;
      environ.PATH_INFO = '/changed';
      const removed = delete environ.HTTP_HOST;
      return JSON.stringify({
        prototype: Object.getPrototypeOf(environ) === Object.prototype,
        inherited: listed.length - own.length,
        accessors: accessors.length,
        copied: Object.keys(copy).length - own.length,
        json: texts.PATH_INFO === copy.PATH_INFO && texts.HTTP_X_WSGI_CASE === copy.HTTP_X_WSGI_CASE,
        changed: [environ['x.added'], environ.PATH_INFO, removed, environ.HTTP_HOST === undefined],
      });
    }),
    async check(send) {
      const expected = {
        prototype: true,
        inherited: 0,
        accessors: 0,
        copied: 0,
        json: true,
        changed: [1, '/changed', true, true],
      };
      holds(await send({ target: '/p' }), JSON.stringify(expected));
    },
  },
  {
    name: "the gateway's own keys have small letters and a prefix",
    clause: VARIABLES,
    app: answer((environ) =>
      Object.keys(environ)
        .filter((key) => key.includes('.') && !key.startsWith('HTTP_') && !/^[a-z0-9_]+(\.[a-z0-9_]+)+$/.test(key))
        .join(),
    ),
    async check(send) {
      holds(await send(), '');
    },
  },
  {
    name: 'environ is new for each request',
    clause: VARIABLES,
    app: answer((environ) => {
      const seen = String(environ['x.seen']);
      environ['x.seen'] = 'yes';
      return `${seen} ${environ.PATH_INFO}`;
    }),
    async check(send) {
      holds(await send({ target: '/1' }), 'undefined /1');
      holds(await send({ target: '/2' }), 'undefined /2');
    },
  },
  {
    name: 'changes of environ do not alter the response',
    clause: VARIABLES,
    app: (environ, startResponse) => {
      environ.REQUEST_METHOD = 'HEAD';
      for (const key of Object.keys(environ)) if (key.startsWith('wsgi')) delete environ[key];
      startResponse('200 OK', plain());
      return [bytes('body')];
    },
    async check(send) {
      holds(await send(), 'body');
    },
  },
  {
    name: 'every value of a CGI key is a native string',
    clause: STRINGS,
    app: answer((environ) =>
      Object.entries(environ)
        .filter(([key, value]) => /^[A-Z_0-9]+$/.test(key) && (typeof value !== 'string' || /[^\0-\xff]/.test(value)))
        .map(([key]) => key)
        .join(),
    ),
    async check(send) {
      const target = '/%E3%81%82?%E3%81%82';
      const headers: HeaderList = [
        ['X-Euro', encodeNative('\u20ac')],
        ['Content-Type', encodeNative('text/\u20ac')],
        ['Cookie', encodeNative('a=\u20ac')],
      ];
      holds(await send({ target, headers }), '');
    },
  },
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map(
    (method): Case => ({
      name: `REQUEST_METHOD as received: ${method}`,
      clause: VARIABLES,
      app: strings,
      async check(send) {
        equal(stringsOf(await send({ method })).REQUEST_METHOD, method, 'REQUEST_METHOD');
      },
    }),
  ),
  {
    name: 'REQUEST_METHOD as received: HEAD',
    clause: VARIABLES,
    app: answer((environ) => {
      keep(environ, 'method', environ.REQUEST_METHOD);
      return '';
    }),
    async check(send, recall) {
      await send({ method: 'HEAD' });
      equal((await recall()).values.method, 'HEAD', 'REQUEST_METHOD');
    },
  },
  ...['TRACE', 'PROPFIND'].map(
    (method): Case => ({
      name: `REQUEST_METHOD as received: ${method}`,
      clause: VARIABLES,
      needs: ['anyMethod'],
      app: strings,
      async check(send) {
        equal(stringsOf(await send({ method })).REQUEST_METHOD, method, 'REQUEST_METHOD');
      },
    }),
  ),

  // Path and query.
  { name: 'SCRIPT_NAME is empty at the root', clause: VARIABLES, app: strings, check: header([], { SCRIPT_NAME: '' }) },
  { name: 'PATH_INFO of the root is /', clause: VARIABLES, app: strings, check: path('/', '/') },
  {
    name: 'PATH_INFO is decoded once',
    clause: VARIABLES,
    app: strings,
    check: path('/a%2Cb%252Cc%20d+e;f=1', '/a,b%2Cc d+e;f=1'),
  },
  {
    name: 'PATH_INFO has one code unit per byte',
    clause: STRINGS,
    app: strings,
    check: path('/%E3%81%82/%c3%a9', '/\xe3\x81\x82/\xc3\xa9'),
  },
  {
    name: 'PATH_INFO keeps bytes that are not UTF-8',
    clause: STRINGS,
    needs: ['pathBytes'],
    app: strings,
    check: path('/%ff%FE/%E9', '/\xff\xfe/\xe9'),
  },
  {
    name: 'PATH_INFO keeps invalid escapes',
    clause: 'docs/TARGETS.md',
    app: strings,
    check: path('/%zz/%a/%/%2', '/%zz/%a/%/%2'),
  },
  { name: 'PATH_INFO: %2F becomes a slash', clause: VARIABLES, app: strings, check: path('/a%2Fb%2fc', '/a/b/c') },
  { name: 'PATH_INFO: %3F and %23 are data', clause: VARIABLES, app: strings, check: path('/a%3Fb%23c', '/a?b#c') },
  {
    name: 'PATH_INFO: %00 and %0D%0A are data',
    clause: VARIABLES,
    app: strings,
    check: path('/a%00b%0D%0Ac', '/a\0b\r\nc'),
  },
  {
    name: 'PATH_INFO keeps empty segments',
    clause: 'docs/TARGETS.md',
    app: strings,
    check: path('//a///b/', '//a///b/'),
  },
  {
    name: 'PATH_INFO has dot segments as the platform gives them',
    clause: VARIABLES,
    app: strings,
    async check(send) {
      const { PATH_INFO: given } = stringsOf(await send({ target: '/a/../b/./c' }));
      ok(given === '/a/../b/./c' || given === '/b/c', `PATH_INFO is ${given}`);
    },
  },
  {
    name: 'PATH_INFO: a backslash stays',
    clause: VARIABLES,
    app: strings,
    check: path('/a%5Cb', '/a\\b'),
  },
  {
    name: 'raw bytes above 0x7F in the target come once or are refused',
    clause: STRINGS,
    needs: ['httpParser'],
    app: strings,
    async check(send) {
      const response = await send({ target: '/caf\xc3\xa9?\xc3\xa9' });
      if (response.status === 400) return;
      const environ = stringsOf(response);
      equal([environ.PATH_INFO, environ.QUERY_STRING], ['/caf\xc3\xa9', '\xc3\xa9'], 'PATH_INFO and QUERY_STRING');
    },
  },
  {
    name: 'a fragment in the target is no part of the path',
    clause: 'RFC 9112, section 3.2',
    needs: ['httpParser'],
    app: strings,
    async check(send) {
      const response = await send({ target: '/a?q#b?c' });
      if (response.status === 400) return;
      const environ = stringsOf(response);
      equal([environ.PATH_INFO, environ.QUERY_STRING], ['/a', 'q'], 'PATH_INFO and QUERY_STRING');
    },
  },
  {
    name: 'QUERY_STRING is there and empty without a query',
    clause: 'docs/TARGETS.md',
    app: strings,
    async check(send) {
      equal(stringsOf(await send({ target: '/p' })).QUERY_STRING, '', 'QUERY_STRING of /p');
      equal(stringsOf(await send({ target: '/p?' })).QUERY_STRING, '', 'QUERY_STRING of /p?');
    },
  },
  {
    name: 'QUERY_STRING as received',
    clause: VARIABLES,
    needs: ['rawQuery'],
    app: strings,
    async check(send) {
      const query = 'a=%20&b=+;c?d=%2f%2F&a=&=&%zz&e=%ff&f=%E3%81%82';
      equal(stringsOf(await send({ target: `/p?${query}` })).QUERY_STRING, query, 'QUERY_STRING');
    },
  },
  {
    name: 'QUERY_STRING means what the client sent',
    clause: VARIABLES,
    app: strings,
    async check(send) {
      const query = 'a=%2B+%20&b=1%262%3D%3b&c=&%E3%81%82=%C3%A9';
      const given = stringsOf(await send({ target: `/p?${query}` })).QUERY_STRING;
      equal([...new URLSearchParams(given)], [...new URLSearchParams(query)], 'parameters');
    },
  },
  {
    name: 'QUERY_STRING has each value of a repeated parameter',
    clause: VARIABLES,
    needs: ['repeatedParameters'],
    app: strings,
    async check(send) {
      const query = new URLSearchParams(stringsOf(await send({ target: '/p?a=1&b=2&a=3&a=1' })).QUERY_STRING);
      equal([query.getAll('a'), query.getAll('b')], [['1', '3', '1'], ['2']], 'parameters');
    },
  },
  {
    name: 'REQUEST_URI and RAW_URI as the client spelled them',
    clause: 'docs/TARGETS.md',
    needs: ['requestUri'],
    app: strings,
    async check(send) {
      const path = '//a%2Fb/%E3%81%82/%zz';
      const environ = stringsOf(await send({ target: `${path}?q=%20` }));
      // Where the query is not the client's, there is but one all the same.
      const target = `${path}?${environ.QUERY_STRING}`;
      equal([environ.REQUEST_URI, environ.RAW_URI], [target, target], 'REQUEST_URI and RAW_URI');
    },
  },
  {
    name: 'OPTIONS * reaches the application and leaves SERVER_NAME alone',
    clause: 'RFC 9112, section 3.2.4',
    needs: ['httpParser', 'asteriskForm'],
    app: strings,
    async check(send) {
      const environ = stringsOf(await send({ method: 'OPTIONS', target: '*', headers: [['Host', 'h.example:81']] }));
      equal([environ.SERVER_NAME, environ.SERVER_PORT], ['h.example', '81'], 'SERVER_NAME and SERVER_PORT');
      ok(['*', '/*', '/'].includes(environ.PATH_INFO ?? ''), `PATH_INFO is ${environ.PATH_INFO}`);
    },
  },
  {
    name: 'an absolute-form target gives path and query',
    clause: 'RFC 9112, section 3.2.2',
    needs: ['httpParser'],
    app: strings,
    async check(send) {
      const environ = stringsOf(
        await send({ target: 'http://other.example:81/p%20q?r', headers: [['Host', 'h.example']] }),
      );
      equal([environ.PATH_INFO, environ.QUERY_STRING], ['/p q', 'r'], 'PATH_INFO and QUERY_STRING');
    },
  },
  {
    name: 'the authority of an absolute-form target goes before Host',
    clause: 'RFC 9112, section 3.2.2',
    needs: ['httpParser', 'absoluteForm'],
    app: strings,
    async check(send) {
      const environ = stringsOf(await send({ target: 'http://other.example:81/p', headers: [['Host', 'h.example']] }));
      const { SERVER_NAME: name, SERVER_PORT: port, HTTP_HOST: host } = environ;
      equal([name, port, host], ['other.example', '81', 'other.example:81'], 'SERVER_NAME, SERVER_PORT and HTTP_HOST');
    },
  },

  // Server.
  {
    name: 'SERVER_NAME, SERVER_PORT and HTTP_HOST come from Host',
    clause: 'URL Reconstruction',
    app: strings,
    check: header([['Host', 'h.example:8080']], {
      SERVER_NAME: 'h.example',
      SERVER_PORT: '8080',
      HTTP_HOST: 'h.example:8080',
    }),
  },
  {
    name: 'SERVER_PORT is the port of the scheme where Host has none',
    clause: VARIABLES,
    app: strings,
    async check(send) {
      const environ = stringsOf(await send({ headers: [['Host', 'h.example']] }));
      equal(environ.SERVER_PORT, environ['wsgi.url_scheme'] === 'https' ? '443' : '80', 'SERVER_PORT');
    },
  },
  {
    name: 'an IPv6 literal in Host survives',
    clause: 'RFC 3875, section 4.1.14',
    app: strings,
    check: header([['Host', '[::1]:8080']], { SERVER_NAME: '[::1]', SERVER_PORT: '8080', HTTP_HOST: '[::1]:8080' }),
  },
  ...['', 'h.example/evil', 'h.example:99999', 'user:pw@h.example', 'h.example?q', 'a b'].map(
    (host): Case => ({
      name: `a Host of "${host}" is refused or does no harm`,
      clause: VARIABLES,
      app: strings,
      async check(send) {
        const response = await send({ target: '/x?q=1', headers: [['Host', host]] });
        // Refused by the platform before the application.
        if (response.status === 0 || response.status >= 400) return;
        const environ = stringsOf(response);
        equal([environ.PATH_INFO, environ.QUERY_STRING], ['/x', 'q=1'], 'PATH_INFO and QUERY_STRING');
        ok(environ.SERVER_NAME && !/[/?@ ]/.test(environ.SERVER_NAME), `SERVER_NAME is "${environ.SERVER_NAME}"`);
        ok(
          Number(environ.SERVER_PORT) > 0 && Number(environ.SERVER_PORT) < 65_536,
          `SERVER_PORT ${environ.SERVER_PORT}`,
        );
      },
    }),
  ),
  {
    name: 'REMOTE_ADDR is the address of the peer',
    clause: 'docs/TARGETS.md',
    needs: ['peerAddress'],
    app: strings,
    async check(send) {
      const { REMOTE_ADDR: address } = stringsOf(await send());
      ok(/^[0-9a-f.:]+$/.test(address ?? ''), `REMOTE_ADDR is ${address}`);
    },
  },
  {
    name: 'forwarded headers change neither REMOTE_ADDR nor the scheme',
    clause: 'docs/TARGETS.md',
    app: strings,
    async check(send) {
      const own = stringsOf(await send());
      const other = own['wsgi.url_scheme'] === 'https' ? 'http' : 'https';
      const forwarded = stringsOf(
        await send({
          headers: [
            ['X-Forwarded-For', '192.0.2.66'],
            ['X-Forwarded-Proto', other],
            ['X-Forwarded-Host', 'evil.example'],
            ['X-Real-IP', '192.0.2.66'],
            ['Forwarded', `for=192.0.2.66;proto=${other}`],
          ],
        }),
      );
      for (const key of ['REMOTE_ADDR', 'wsgi.url_scheme', 'SERVER_NAME', 'HTTPS'])
        equal(forwarded[key], own[key], key);
      ok(forwarded.HTTP_X_FORWARDED_FOR?.includes('192.0.2.66'), 'X-Forwarded-For does not reach the application');
    },
  },

  // Request headers.
  {
    name: 'HTTP_ names and values',
    clause: VARIABLES,
    app: strings,
    check: header(
      [
        ['X-Some-thing', '  a  b\tc '],
        ['Authorization', 'Bearer t'],
        ['Constructor', 'c'],
        ['Path-Info', '/evil'],
        ['Script-Name', '/evil'],
      ],
      {
        HTTP_X_SOME_THING: 'a  b\tc',
        HTTP_AUTHORIZATION: 'Bearer t',
        HTTP_CONSTRUCTOR: 'c',
        HTTP_PATH_INFO: '/evil',
        HTTP_SCRIPT_NAME: '/evil',
        PATH_INFO: '/',
        SCRIPT_NAME: '',
      },
    ),
  },
  {
    name: 'an empty header value is kept',
    clause: VARIABLES,
    app: strings,
    check: header([['X-Empty', '']], { HTTP_X_EMPTY: '' }),
  },
  {
    name: 'CONTENT_TYPE and CONTENT_LENGTH never come as HTTP_ too',
    clause: VARIABLES,
    app: strings,
    async check(send) {
      const environ = stringsOf(
        await send({ method: 'POST', body: bytes('12345'), headers: [['Content-Type', 'text/x;a=1']] }),
      );
      equal([environ.CONTENT_TYPE, environ.CONTENT_LENGTH], ['text/x;a=1', '5'], 'CONTENT_TYPE and CONTENT_LENGTH');
      equal(environ.HTTP_CONTENT_TYPE, undefined, 'HTTP_CONTENT_TYPE');
      equal(environ.HTTP_CONTENT_LENGTH, undefined, 'HTTP_CONTENT_LENGTH');
    },
  },
  {
    name: 'CONTENT_TYPE and CONTENT_LENGTH are absent when the request has none',
    clause: VARIABLES,
    app: strings,
    check: header([], { CONTENT_TYPE: undefined, CONTENT_LENGTH: undefined }),
  },
  {
    name: 'repeated headers are joined with a comma and a space',
    clause: 'RFC 9110, section 5.3',
    needs: ['duplicateHeaders'],
    app: strings,
    check: header(
      [
        ['X-Twice', 'a'],
        ['X-Other', 'o'],
        ['x-twice', 'b'],
        ['X-TWICE', 'c,d'],
      ],
      { HTTP_X_TWICE: 'a, b, c,d', HTTP_X_OTHER: 'o' },
    ),
  },
  {
    name: 'two Cookie lines are joined with a semicolon',
    clause: 'RFC 9113, section 8.2.3',
    needs: ['cookieLines'],
    app: strings,
    check: header(
      [
        ['Cookie', 'a=1; b="2"'],
        ['Cookie', 'c=3'],
      ],
      { HTTP_COOKIE: 'a=1; b="2"; c=3' },
    ),
  },
  {
    name: 'names with an underscore are dropped',
    clause: 'docs/TARGETS.md',
    app: strings,
    check: header(
      [
        ['X_Under', 'spoofed'],
        ['X-Both', 'honest'],
        ['X_Both', 'spoofed'],
        ['Content_Length', '5'],
        ['SCRIPT_NAME', '/spoofed'],
        ['__proto__', 'x'],
      ],
      {
        HTTP_X_UNDER: undefined,
        HTTP_X_BOTH: 'honest',
        CONTENT_LENGTH: undefined,
        HTTP_CONTENT_LENGTH: undefined,
        SCRIPT_NAME: '',
        HTTP_SCRIPT_NAME: undefined,
      },
    ),
  },
  {
    name: 'Proxy is dropped',
    clause: 'CVE-2016-5385 (httpoxy)',
    app: strings,
    check: header([['Proxy', 'http://evil.example']], { HTTP_PROXY: undefined }),
  },
  {
    name: 'request header: UTF-8 bytes arrive as they are',
    clause: STRINGS,
    app: answer((environ) => `${decodeNative(String(environ.HTTP_X_TEXT))} ${String(environ.HTTP_X_TEXT).length}`),
    async check(send) {
      holds(await send({ headers: [['X-Text', encodeNative('caf\u00e9 \u{1f600}')]] }), 'caf\u00e9 \u{1f600} 10');
    },
  },
  {
    name: 'request header: bytes that are not UTF-8 arrive as they are',
    clause: STRINGS,
    needs: ['latin1Headers'],
    app: strings,
    check: header([['X-Bytes', 'caf\xe9 \x80\xff']], { HTTP_X_BYTES: 'caf\xe9 \x80\xff' }),
  },
  {
    name: '100 request headers and one of 8 KiB arrive',
    clause: VARIABLES,
    app: answer((environ) => {
      const count = Object.keys(environ).filter((key) => key.startsWith('HTTP_X_N_')).length;
      return `${count} ${String(environ.HTTP_X_BIG).length}`;
    }),
    async check(send) {
      const many = Array.from({ length: 100 }, (_, i): [string, string] => [`X-N-${i}`, `value ${i}`]);
      holds(await send({ headers: [...many, ['X-Big', 'b'.repeat(8192)]] }), '100 8192');
    },
  },

  // Streams of the environ.
  {
    name: 'wsgi.input and wsgi.errors have their methods and no more',
    clause: 'Input and Error Streams',
    app: answer((environ) =>
      JSON.stringify([environ['wsgi.input'], environ['wsgi.errors']].map((stream) => Object.keys(stream).sort())),
    ),
    async check(send) {
      const methods = [
        ['read', 'readline', 'readlines'],
        ['flush', 'write', 'writelines'],
      ];
      holds(await send(), JSON.stringify(methods));
    },
  },
  {
    name: 'wsgi.errors takes text of any script, line by line',
    clause: 'Input and Error Streams',
    app: answer((environ) => {
      const errors = environ['wsgi.errors'];
      errors.write('one \u20ac\ntwo');
      errors.writelines([' and a half\n', 'three\n']);
      errors.write('unfinished');
      errors.flush();
      return '';
    }),
    async check(send, recall) {
      await send();
      const { errors } = await recall((report) => report.errors.length >= 4);
      equal(errors, ['one \u20ac', 'two and a half', 'three', 'unfinished'], 'lines');
    },
  },
  {
    name: 'wsgi.errors is flushed when the request ends',
    clause: 'Input and Error Streams',
    app: answer((environ) => {
      environ['wsgi.errors'].write('no line feed');
      return '';
    }),
    async check(send, recall) {
      await send();
      const { errors } = await recall((report) => report.errors.length > 0);
      equal(errors, ['no line feed'], 'lines');
    },
  },
  {
    name: 'native strings go both ways',
    clause: STRINGS,
    app: answer((environ) => native(bytes(decodeNative(environ.PATH_INFO)))),
    async check(send) {
      holds(await send({ target: '/%E3%81%82' }), encodeNative('/\u3042'));
    },
  },
];
