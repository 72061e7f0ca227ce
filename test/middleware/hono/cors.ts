import type { CorsOptions } from '../../../middleware/index.js';
import type { HeaderList } from '../../../src/types.js';
import type { Absent, HonoCase } from './case.js';

const origin = (value: string, ...more: HeaderList): { headers: HeaderList } => ({
  headers: [['Origin', value], ...more],
});
const ALLOW = 'Access-Control-Allow-Origin';
const PREFLIGHT =
  'an OPTIONS without Origin and Access-Control-Request-Method is not a preflight (Fetch Standard); it reaches the application';
const WILDCARD = 'credentials with "*" can not work, so it is refused when the middleware is made';
const example = { origin: 'http://example.com' };
const several = { origin: ['http://example.com', 'http://example.org', 'http://example.dev'] };
const byFunction = {
  origin: (given: string) => (given.endsWith('.example.com') ? given : 'http://example.com'),
};
const byPromise = { origin: async (given: string) => byFunction.origin(given) };
const vary: { headers: HeaderList } = { headers: [['Vary', 'X-Custom-Vary-Value']] };
const credentials: CorsOptions = { origin: '*', credentials: true };

export const cors: Array<HonoCase<CorsOptions>> = [
  { test: 'GET default', wanted: { status: 200, headers: { [ALLOW]: '*', Vary: null } } },
  {
    test: 'Preflight default',
    request: {
      method: 'OPTIONS',
      headers: [
        ['Access-Control-Request-Method', 'QUERY'],
        ['Access-Control-Request-Headers', 'X-PINGOTHER, Content-Type'],
      ],
    },
    wanted: { status: 204, headers: { 'Access-Control-Allow-Methods': 'GET,HEAD,PUT,POST,DELETE,PATCH,QUERY' } },
    ours: { status: 200 },
    why: PREFLIGHT,
  },
  {
    test: 'Preflight default (with Origin)',
    request: {
      method: 'OPTIONS',
      headers: [
        ['Origin', 'http://example.com'],
        ['Access-Control-Request-Method', 'QUERY'],
        ['Access-Control-Request-Headers', 'X-PINGOTHER, Content-Type'],
      ],
    },
    wanted: {
      status: 204,
      headers: {
        'Access-Control-Allow-Methods': 'GET,HEAD,PUT,POST,DELETE,PATCH,QUERY',
        'Access-Control-Allow-Headers': 'X-PINGOTHER,Content-Type',
      },
    },
  },
  {
    test: 'Preflight handles a large Access-Control-Request-Headers value',
    request: {
      method: 'OPTIONS',
      headers: [
        ['Origin', 'http://example.com'],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', `x${' '.repeat(200_000)}x`],
      ],
    },
    wanted: { status: 204 },
  },
  {
    test: 'Preflight with options',
    options: {
      origin: 'http://example.com',
      allowHeaders: ['X-Custom-Header', 'Upgrade-Insecure-Requests'],
      allowMethods: ['POST', 'GET', 'OPTIONS'],
      exposeHeaders: ['Content-Length', 'X-Kuma-Revision'],
      maxAge: 600,
      credentials: true,
    },
    request: { method: 'OPTIONS', ...origin('http://example.com', ['Access-Control-Request-Method', 'POST']) },
    wanted: {
      headers: {
        [ALLOW]: 'http://example.com',
        Vary: /Origin/,
        'Access-Control-Allow-Headers': 'X-Custom-Header,Upgrade-Insecure-Requests',
        'Access-Control-Allow-Methods': 'POST,GET,OPTIONS',
        'Access-Control-Expose-Headers': 'Content-Length,X-Kuma-Revision',
        'Access-Control-Max-Age': '600',
        'Access-Control-Allow-Credentials': 'true',
      },
    },
    ours: {
      headers: {
        [ALLOW]: 'http://example.com',
        Vary: /Origin/,
        'Access-Control-Allow-Headers': 'X-Custom-Header,Upgrade-Insecure-Requests',
        'Access-Control-Allow-Methods': 'POST,GET,OPTIONS',
        'Access-Control-Expose-Headers': null,
        'Access-Control-Max-Age': '600',
        'Access-Control-Allow-Credentials': 'true',
      },
    },
    why: 'browsers ignore Access-Control-Expose-Headers in the answer to a preflight (Fetch Standard)',
  },
  {
    test: 'Disallow an unmatched origin',
    options: example,
    request: { method: 'OPTIONS', ...origin('http://example.net', ['Access-Control-Request-Method', 'POST']) },
    wanted: { headers: { [ALLOW]: null } },
  },
  {
    test: 'Allow multiple origins',
    options: several,
    request: origin('http://example.org'),
    wanted: { headers: { [ALLOW]: 'http://example.org' } },
  },
  { test: 'Allow multiple origins (2)', options: several, wanted: { headers: { [ALLOW]: null } } },
  {
    test: 'Allow multiple origins (3)',
    options: several,
    request: { headers: [['Referer', 'http://example.net/']] },
    wanted: { headers: { [ALLOW]: null } },
  },
  {
    test: 'Set "Origin" to Vary header',
    options: several,
    request: origin('http://example.com'),
    wanted: { status: 200, headers: { [ALLOW]: 'http://example.com', Vary: 'Origin' } },
  },
  {
    test: 'Keep original Vary header',
    app: vary,
    request: origin('http://example.com'),
    wanted: { status: 200, headers: { [ALLOW]: '*', Vary: 'X-Custom-Vary-Value' } },
  },
  {
    test: 'Append "Origin" to Vary header, if response has some Vary header',
    options: several,
    app: vary,
    request: origin('http://example.com'),
    wanted: { headers: { [ALLOW]: 'http://example.com', Vary: 'X-Custom-Vary-Value, Origin' } },
  },
  {
    test: 'Allow origins by function',
    options: byFunction,
    request: origin('http://subdomain.example.com'),
    wanted: { headers: { [ALLOW]: 'http://subdomain.example.com' } },
  },
  {
    test: 'Allow origins by function (2)',
    options: byFunction,
    wanted: { headers: { [ALLOW]: 'http://example.com' } },
  },
  {
    test: 'Allow origins by promise returning function',
    options: byPromise,
    request: origin('http://subdomain.example.com'),
    wanted: { headers: { [ALLOW]: 'http://subdomain.example.com' } },
  },
  {
    test: 'Allow origins by promise returning function (2)',
    options: byPromise,
    wanted: { headers: { [ALLOW]: 'http://example.com' } },
  },
  { test: 'With raw Response object', wanted: { headers: { [ALLOW]: '*', Vary: null } } },
  {
    test: 'Should not return duplicate header values',
    options: example,
    app: { headers: [[ALLOW, 'http://example.com']] },
    request: origin('http://example.com'),
    wanted: { headers: { [ALLOW]: 'http://example.com' } },
  },
  ...[
    'Emits the wildcard, not the reflected origin, when credentials is true with wildcard origin',
    'Emits the wildcard for every origin (never reflects) when credentials is true with wildcard origin',
    'Preflight emits the wildcard, not the reflected origin, when credentials is true with wildcard origin',
    'Emits the wildcard with no Origin header when credentials is true with wildcard origin',
    'Origin: null gets the wildcard, not a reflected null origin, with credentials',
    'Should not reflect an arbitrary Origin when credentials is true with default origin',
    'Preflight should not approve an arbitrary Origin when credentials is true with default origin',
  ].map(
    (test): HonoCase<CorsOptions> => ({
      test,
      options: credentials,
      request: origin('http://example.com'),
      wanted: { headers: { [ALLOW]: '*', 'Access-Control-Allow-Credentials': 'true' } },
      ours: 'throws',
      why: WILDCARD,
    }),
  ),
  {
    test: 'Options without origin fall back to wildcard default',
    options: { allowMethods: ['GET', 'POST'] },
    wanted: { headers: { [ALLOW]: '*' } },
  },
];

const METHODS = 'allowMethods is a list: a policy that depends on the origin is two middlewares';
export const absent: Absent = {
  'Allow methods by function': METHODS,
  'Allow methods by promise returning function': METHODS,
  'Does not set allow methods when function returns an empty array': METHODS,
  'Append "Origin" to Vary header on OPTIONS preflight, if response has some Vary header':
    'a preflight does not reach the application, so nobody has set a Vary before',
};
