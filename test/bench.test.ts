import { expect, it } from 'vitest';
import { ratiosOf } from '../bench/rounds.ts';

it('the benchmarks keep the ratio of each contender of ours to the base of its race', () => {
  const costs = { hono: [10, 10], 'wsgi-edge': [5, 5], 'wsgi-edge, asynchronous': [20, 20], srvx: [1, 1] };
  const races = [
    { title: 'GET', unit: 'µs', base: 'hono', costs },
    { title: 'POST', unit: 'µs', base: 'wsgi-edge', costs },
    { title: 'Memory', unit: 'MiB', base: undefined, costs },
  ];
  expect(ratiosOf(races)).toEqual({
    'GET: wsgi-edge to hono': 0.5,
    'GET: wsgi-edge, asynchronous to hono': 2,
    'POST: wsgi-edge, asynchronous to wsgi-edge': 4,
  });
});
