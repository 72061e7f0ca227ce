import { equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import { client } from 'wsgi-edge/testing';
import app from '../app.ts';

test('the page greets', async () => {
  const response = await client(app).get('/');
  equal(response.status, 200);
  match(await response.text(), /Hello/);
});
