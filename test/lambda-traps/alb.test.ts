import { expect, it } from 'vitest';
import type { HeaderList } from '../../src/types.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import {
  ALB,
  type AnyEvent,
  answering,
  context,
  environOf,
  eventOf,
  eventWithHeaders,
  LATTICE,
  resultOf,
  sample,
  targetOf,
} from './harness.js';

const handle = (event: unknown): Promise<AnyEvent> =>
  toLambdaHandler(answering('200 OK', [['X-A', '1']]))(event, context);

it('A-01: an event with lists alone has all its headers', async () => {
  const event = sample('alb-multi-go.json');
  expect(event).not.toHaveProperty('headers');
  const environ = await environOf(event);
  for (const [name, values] of Object.entries(event.multiValueHeaders as Record<string, string[]>))
    expect(environ[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`], name).toBe(values.join(', '));
  expect(environ.SERVER_NAME).toBe(event.multiValueHeaders.host[0]);
});

it('A-02: the result has the form of its request, also where the other map is there', async () => {
  const multi = await handle(eventOf('alb-multi'));
  expect([multi.multiValueHeaders, multi.headers]).toEqual([{ 'X-A': ['1'], 'Content-Length': ['0'] }, undefined]);
  const single = await handle(eventOf('alb-single'));
  expect([single.headers, single.multiValueHeaders]).toEqual([{ 'X-A': '1', 'Content-Length': '0' }, undefined]);
  // null and an empty map are no form of a request.
  for (const multiValueHeaders of [null, {}])
    expect(await handle(eventOf('alb-single', {}, { multiValueHeaders }))).not.toHaveProperty('multiValueHeaders');
  for (const headers of [null, {}])
    expect(await handle(eventOf('alb-multi', {}, { headers }))).not.toHaveProperty('headers');
});

it.each(['alb-single', ...LATTICE] as const)('A-03: %s gets every value of every header', async (kind) => {
  const headers: HeaderList = [
    ['Vary', 'Accept'],
    ['Set-Cookie', 'a=1'],
    ['Vary', 'Origin'],
    ['X-A', '1'],
    ['Set-Cookie', 'b=2'],
    ['Vary', 'Cookie'],
  ];
  expect((await resultOf(kind, answering('200 OK', headers))).headers).toEqual({
    Vary: 'Accept, Origin, Cookie',
    'X-A': '1',
    'Content-Length': '0',
    'Set-Cookie': 'a=1',
    'set-Cookie': 'b=2',
  });
});

it.each(ALB)('A-04: %s serves a health check, which has neither host nor addresses', async (kind) => {
  const event = eventWithHeaders(kind, [['user-agent', 'ELB-HealthChecker/2.0']]);
  Object.assign(event, { path: '/health', queryStringParameters: {}, multiValueQueryStringParameters: {}, body: '' });
  const environ = await environOf(event);
  expect(environ).toMatchObject({
    PATH_INFO: '/health',
    QUERY_STRING: '',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '80',
    'wsgi.url_scheme': 'http',
    HTTP_USER_AGENT: 'ELB-HealthChecker/2.0',
  });
  expect(environ).not.toHaveProperty('REMOTE_ADDR');
  expect(environ).not.toHaveProperty('HTTP_HOST');
  expect(await targetOf(event)).toBe('/health');
  expect((await handle(event)).statusCode).toBe(200);
  expect(await environOf(sample('alb-health-check-path.json'))).not.toHaveProperty('REMOTE_ADDR');
});

it.each([
  ['8443', '8443'],
  ['0', '443'],
  ['99999', '443'],
  ['x', '443'],
  ['', '443'],
])('A-04: without a host, X-Forwarded-Port %j makes the port %s', async (given, port) => {
  const headers: HeaderList = [
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-port', given],
  ];
  for (const kind of ALB) expect((await environOf(eventWithHeaders(kind, headers))).SERVER_PORT).toBe(port);
});

it('A-05: an event without its context, or with an empty one, is served as an API’s would be', async () => {
  for (const kind of ALB) {
    const { requestContext: _, ...event } = eventOf(kind);
    for (const given of [event, { ...event, requestContext: {} }]) {
      expect((await environOf(given)).PATH_INFO).toBe('/');
      expect(Object.keys(await handle(given))).not.toContain('statusDescription');
    }
  }
});

it.each([...ALB, ...LATTICE])('A-06: %s tells the address that its own hop has seen, or none', async (kind) => {
  const addressOf = async (...values: string[]) =>
    (
      await environOf(
        eventWithHeaders(kind, [['X-A', '1'], ...values.map((v): [string, string] => ['x-forwarded-for', v])]),
      )
    ).REMOTE_ADDR;
  expect(await addressOf()).toBeUndefined();
  expect(await addressOf('198.51.100.1, 203.0.113.7')).toBe('203.0.113.7');
  expect(await addressOf('198.51.100.1,203.0.113.7')).toBe('203.0.113.7');
  // `routing.http.xff_client_port.enabled`
  expect(await addressOf('203.0.113.7:8080')).toBe('203.0.113.7');
  expect(await addressOf('[2001:db8::1]:8080')).toBe('2001:db8::1');
  expect(await addressOf('::1, [2001:db8::1]')).toBe('2001:db8::1');
  expect(await addressOf('2001:db8::1')).toBe('2001:db8::1');
  for (const address of ['0.0.0.0', '255.249.199.99', '::', '::ffff:192.0.2.1', '2001:DB8::1'])
    expect(await addressOf(address)).toBe(address);
  for (const odd of [
    ...['', 'unknown', '203.0.113.7, ', '_hidden', '127.0.0.1, evil'],
    ...['1.2.3.4.5', '1.2.3', '1.2.3.4.', '256.1.1.1', '01.2.3.4', '1.2.3.4567', 'face', ':::', '1::2::3', '12345::'],
  ])
    expect(await addressOf(odd), odd).toBeUndefined();
});

it('A-08: a list of addresses is joined with ", ", in order', async () => {
  const list = ['198.51.100.1', '192.0.2.9, 192.0.2.10', '203.0.113.7'];
  const event = eventWithHeaders(
    'alb-multi',
    list.map((value): [string, string] => ['x-forwarded-for', value]),
  );
  expect(await environOf(event)).toMatchObject({
    HTTP_X_FORWARDED_FOR: '198.51.100.1, 192.0.2.9, 192.0.2.10, 203.0.113.7',
    REMOTE_ADDR: '203.0.113.7',
  });
});

it('A-09: one address is taken of several', async () => {
  for (const kind of ALB) {
    const environ = await environOf(eventOf(kind, { headers: [['X-Forwarded-For', '10.0.0.1, 10.0.0.2']] }));
    expect(environ.REMOTE_ADDR).toBe('203.0.113.7');
    expect(environ.HTTP_X_FORWARDED_FOR).toBe('10.0.0.1, 10.0.0.2, 203.0.113.7');
  }
});
