import type { BasicAuthOptions } from '../../../middleware/index.js';
import type { HeaderList } from '../../../src/types.js';
import type { Absent, HonoCase } from './case.js';

const USERS: BasicAuthOptions = {
  users: { 'hono-user-a': 'hono-password-a', 'hono-user-b': 'hono-password-b', 'hono-user-c': 'hono-password-c' },
};
const UNICODE: BasicAuthOptions = { users: { 'hono-user-a': '炎' } };
const VERIFY: BasicAuthOptions = {
  users: (user, password, environ) =>
    environ.PATH_INFO === '/verify-user' && user === 'dynamic-user' && password === 'hono-password',
};
const login = (user: string, password: string, path = '/auth/a') => ({
  path,
  headers: [['Authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]] as HeaderList,
});
const app = { headers: [['x-custom', 'foo']] as HeaderList, body: 'auth' };
const granted = { status: 200, body: 'auth' };
const UNAUTHORIZED = 'the page ends in a line feed, as every page of the gateway';

export const basicAuth: Array<HonoCase<BasicAuthOptions>> = [
  {
    test: 'Should not authorize',
    options: USERS,
    app,
    wanted: { status: 401, body: 'Unauthorized', headers: { 'x-custom': null } },
    ours: { status: 401, body: 'Unauthorized\n', headers: { 'x-custom': null, 'WWW-Authenticate': /^Basic realm=/ } },
    why: UNAUTHORIZED,
  },
  {
    test: 'Should authorize',
    options: USERS,
    app,
    request: login('hono-user-a', 'hono-password-a'),
    wanted: { ...granted, headers: { 'x-custom': 'foo' } },
  },
  { test: 'Should authorize Unicode', options: UNICODE, app, request: login('hono-user-a', '炎'), wanted: granted },
  {
    test: 'Should authorize multiple users',
    options: USERS,
    app,
    request: login('hono-user-b', 'hono-password-b'),
    wanted: granted,
  },
  {
    test: 'Should authorize multiple users (2)',
    options: USERS,
    app,
    request: login('hono-user-c', 'hono-password-c'),
    wanted: granted,
  },
  {
    test: 'Should authorize - nested',
    options: USERS,
    app,
    request: login('hono-user-a', 'hono-password-a', '/nested'),
    wanted: granted,
  },
  { test: 'Should not authorize - nested', options: USERS, app, request: login('foo', 'bar'), wanted: { status: 401 } },
  {
    test: 'Should authorize - verifyUser',
    options: VERIFY,
    app,
    request: login('dynamic-user', 'hono-password', '/verify-user'),
    wanted: granted,
  },
  {
    test: 'Should not authorize - verifyUser',
    options: VERIFY,
    app,
    request: login('foo', 'bar', '/verify-user'),
    wanted: { status: 401 },
  },
];

const PAGE = 'errorPages gives another page to the 401';
const DONE = 'the application finds the user in REMOTE_USER';
export const absent: Absent = {
  'Should authorize with sha256 function override': 'the comparison can not be replaced',
  'Should not authorize - custom invalid user message as string': PAGE,
  'Should not authorize - custom invalid user message as object': PAGE,
  'Should not authorize - custom invalid user message as function string': PAGE,
  'Should not authorize - custom invalid user message as function object': PAGE,
  'should call onAuthSuccess callback on successful auth': DONE,
  'should support async onAuthSuccess callback': DONE,
  'should not call onAuthSuccess on failed auth': DONE,
  'should work with verifyUser mode': DONE,
};
