// Applications of Python with databases, in a Durable Object on workerd that has D1, KV and R2.
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf, type PackageSet } from '../../scripts/python-packages.ts';
import { type PythonWorker, startWorker } from './workerd.ts';

export const STORAGE_APPS = 'test/python/storage/apps';

const WORKER = `
  import { DurableObject } from 'cloudflare:workers';
  import assets from './assets.mjs';
  import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
  import { durableObject, fromPython } from '../../python/index.js';
  export class Site extends DurableObject {
    constructor(ctx, env) {
      super(ctx, env);
      this.site = toCloudflareHandler(fromPython(assets, { files: { '/data': durableObject(ctx.storage) } }));
    }
    fetch(request) {
      return this.site.fetch(request, this.env, this.ctx);
    }
  }
  export default {
    fetch: (request, env) => env.SITE.get(env.SITE.idFromName('main')).fetch(request),
  };`;

export interface StorageWorker extends PythonWorker {
  ask(target: string, init?: RequestInit): Promise<{ status: number; text: string; response: Response }>;
  json(target: string, init?: RequestInit): Promise<unknown>;
}

/** Builds an application of STORAGE_APPS, and starts it.
 *  @param name  of its module */
export async function startStorage(name: string, set: PackageSet): Promise<StorageWorker> {
  const out = `build/python-${name.replaceAll('_', '-')}-assets`;
  await ensureBuilt({
    application: `${STORAGE_APPS}/${name}.py:app`,
    packages: [modulesOf(set)],
    out,
    target: 'worker',
  });
  const options = {
    d1Databases: ['DB'],
    kvNamespaces: ['KV'],
    r2Buckets: ['BUCKET'],
    durableObjects: { SITE: { className: 'Site', useSQLite: true } },
  };
  const worker = await startWorker(WORKER, options, out);
  const ask: StorageWorker['ask'] = async (target, init) => {
    const response = await fetch(`http://127.0.0.1:${worker.port}/${target}`, init);
    return { status: response.status, text: await response.text(), response };
  };
  const json = async (target: string, init?: RequestInit) => {
    const { status, text } = await ask(target, init);
    return status === 200 ? JSON.parse(text) : `${status} ${text}`;
  };
  return { ...worker, ask, json };
}
