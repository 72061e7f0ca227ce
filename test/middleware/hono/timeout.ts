import type { Absent } from './case.js';

/** Cases of Hono's timeout: how long the application takes and the limit, in their units of 100 ms. */
export const timeout: Array<{
  test: string;
  limit: number;
  takes: number;
  page?: [status: string, body: string];
  wanted: { status: number; body: string };
}> = [
  {
    test: 'Should trigger default timeout exception',
    limit: 10,
    takes: 11,
    wanted: { status: 504, body: 'Gateway Timeout' },
  },
  {
    test: 'Should apply custom exception with function',
    limit: 11,
    takes: 12,
    page: ['408 Request Timeout', 'Request timeout. Please try again later.'],
    wanted: { status: 408, body: 'Request timeout. Please try again later.' },
  },
  {
    test: 'Error timeout with custom status code and message',
    limit: 12,
    takes: 13,
    page: ['500 Internal Server Error', 'Internal Server Error at /slow-endpoint/error'],
    wanted: { status: 500, body: 'Internal Server Error at /slow-endpoint/error' },
  },
  { test: 'No Timeout should pass', limit: 10, takes: 9, wanted: { status: 200, body: 'This should not show up' } },
];

export const absent: Absent = {};
