import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { fromPython } from 'wsgi-edge/python';
import { developPython } from 'wsgi-edge/python/build';
import { client } from 'wsgi-edge/testing';

const app = fromPython(await developPython({ application: 'app.py:app', cache: 'node_modules/.cache/wsgi-edge' }));

test('the page greets', async () => {
  const response = await client(app).get('/?name=you');
  equal(response.status, 200);
  deepEqual(await response.json(), { hello: 'you' });
});
