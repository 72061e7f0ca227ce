import type { Application, Environ } from 'wsgi-edge';
import { html, redirect } from 'wsgi-edge/http';
import { link, page } from '../page.ts';

/** What the counter needs of a Workers KV namespace. */
interface Store {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

// The store where there is no KV: as long-lived as the process.
const memory = new Map<string, string>();
const inMemory: Store = {
  get: async (key) => memory.get(key) ?? null,
  put: async (key, value) => {
    memory.set(key, value);
  },
};

/** A platform adds its own keys to environ: `workers.env` holds the bindings of a Worker. An application that asks
 *  whether the key is there runs everywhere. */
function storeOf(environ: Environ): [store: Store, name: string] {
  const { COUNTER } = (environ['workers.env'] as { COUNTER?: Store } | undefined) ?? {};
  return COUNTER === undefined ? [inMemory, 'the memory of this process'] : [COUNTER, 'Workers KV'];
}

/** Counts POST requests. Two at once may count as one: KV has no atomic increment. */
export async function counter(environ: Environ): Promise<Application> {
  const [store, name] = storeOf(environ);
  const count = Number((await store.get('count')) ?? 0);
  if (environ.REQUEST_METHOD === 'POST') {
    await store.put('count', String(count + 1));
    return redirect('counter', { status: 303 });
  }
  return page(environ, {
    title: 'Counter',
    headers: [['Cache-Control', 'no-store']],
    content: html`<p class="count"><output>${count}</output></p>
<form action="${link(environ, '/counter')}" method="post" class="buttons"><button>Count one more</button></form>
<p>Kept in ${name}.</p>
`,
  });
}
