import { test } from 'vitest';
import { startWorker } from './workerd.ts';
import { sendRaw } from '../conformance/wire.js';
test('probe', async () => {
  for (const top of [false, true]) {
  const t = performance.now();
  const worker = await startWorker(`
    import assets from './assets.mjs';
    import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
    import { fromPython } from '../../targets/python/index.js';
    const names = ['hello','echo','lines','boom','kv','random_number'];
    const apps = Object.fromEntries(names.map(n => [n, fromPython(assets, { application: 'basic:' + n })]));
    ${top ? 'await apps.hello.boot();' : ''}
    export default toCloudflareHandler((environ, start) => apps[environ.HTTP_X_APP](environ, start), { errors: (l) => console.log('LOG ' + l) });
  `, { kvNamespaces: ['KV'], ...(top ? {compatibilityFlags: ['nodejs_compat']} : {}) });
  console.log('up', performance.now() - t);
  for (const [app, body] of [['hello'], ['echo', 'abc'], ['lines'], ['boom'], ['kv'], ['random_number'], ['random_number']] as const) {
    const t1 = performance.now();
    const r = await sendRaw(worker.port, { target: '/a%00b?x', method: body ? 'POST': 'GET', headers: [['X-App', app]], ...(body ? { body: new TextEncoder().encode(body) } : {}) });
    console.log(app, r.status, r.headers, new TextDecoder().decode(r.body), performance.now() - t1);
  }
  await worker.stop();
  }
});
