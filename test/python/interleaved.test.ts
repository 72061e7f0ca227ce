// The logs of 50 requests at a time, 20 of which fail: a script assigns each line to its request, and none is lost.
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { serve } from '../../targets/node/index.js';
import { lambdaEvent, readLambdaResult } from '../../testing/index.js';
import { loadAssets } from './assets.ts';
import { app } from './interleaved-app.ts';
import { startWorker } from './workerd.ts';

const REQUESTS = 50;
const FAILING = 20;

interface Target {
  ask(path: string): Promise<string>;
  lines(): string[] | Promise<string[]>;
}

const ends: Array<() => unknown> = [];
afterAll(() => Promise.all(ends.map((end) => end())));

const python = async () => fromPython(await loadAssets(), { application: 'interleaved:app' });
const applications = { TypeScript: async () => app, Python: python };

const TARGETS: Record<string, (language: keyof typeof applications) => Promise<Target>> = {
  async Node(language) {
    const lines: string[] = [];
    const server = await serve(await applications[language](), { errors: (line) => lines.push(line) });
    ends.push(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    return { ask: async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).text(), lines: () => lines };
  },
  async Lambda(language) {
    const lines: string[] = [];
    const handler = toLambdaHandler(await applications[language](), { errors: (line) => lines.push(line) });
    let count = 0;
    const ask = async (target: string) => {
      const context = { awsRequestId: `invocation-${++count}`, getRemainingTimeInMillis: () => 30_000 };
      return readLambdaResult('function-url', await handler(lambdaEvent('function-url', { target }), context)).text();
    };
    return { ask, lines: () => lines };
  },
  async workerd(language) {
    const worker = await startWorker(`
      import assets from './assets.mjs';
      import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
      import { fromPython } from '../../python/index.js';
      import { app } from './interleaved-app.ts';
      const python = fromPython(assets, { application: 'interleaved:app' });
      const lines = [];
      const handler = toCloudflareHandler(${language === 'Python' ? 'python' : 'app'}, { errors: (line) => lines.push(line) });
      export default {
        fetch: (request, env, ctx) =>
          new URL(request.url).pathname === '/lines' ? Response.json(lines) : handler.fetch(request, env, ctx),
      };`);
    ends.push(() => worker.stop());
    const url = `http://127.0.0.1:${worker.port}`;
    return {
      ask: async (path) => (await fetch(url + path)).text(),
      lines: async () => (await (await fetch(`${url}/lines`)).json()) as string[],
    };
  },
};

/** Assigns lines to requests by the id in brackets with which each must begin. */
function assign(lines: readonly string[]): Map<string, string[]> {
  const byId = new Map<string, string[]>();
  for (const line of lines) {
    const [, id, text] = /^\[([^\]]+)\] (.*)$/s.exec(line) ?? [];
    if (id === undefined || text === undefined) throw new Error(`a line of nobody: ${line}`);
    byId.set(id, [...(byId.get(id) ?? []), text]);
  }
  return byId;
}

it.each(
  Object.keys(TARGETS).flatMap((target) => Object.keys(applications).map((language) => [target, language] as const)),
)('on %s, in %s', async (name, language) => {
  const target = await (TARGETS[name] as (typeof TARGETS)[string])(language as keyof typeof applications);
  const paths = Array.from({ length: REQUESTS }, (_, n) => `/${n % 5 < 2 ? 'boom' : 'fine'}/${n}`);
  const answers = await Promise.all(paths.map((path) => target.ask(path)));
  const lines = assign(await target.lines());
  let failed = 0;
  for (const [n, path] of paths.entries()) {
    const answer = answers[n] ?? '';
    const [, id = ''] = /^(?:Internal Server Error\nRequest id: )?([^\s]+)\s*$/.exec(answer) ?? [];
    const own = lines.get(id) ?? [];
    lines.delete(id);
    expect(own.slice(0, 2), `${path}: ${answer}`).toEqual([`begin ${path}`, `end ${path}`]);
    if (!path.startsWith('/boom')) {
      expect(own.length).toBe(2);
      continue;
    }
    failed++;
    // TypeScript begins with the error, Python's traceback ends with it.
    const error = own.slice(2);
    expect(error[0]).toMatch(/^GET \/boom\/\d+: (Error: boom|Traceback )/);
    expect(error[0] + String(error.at(-1))).toContain(`boom ${path}`);
    expect(error.length).toBeGreaterThan(1);
  }
  expect(failed).toBe(FAILING);
  expect([...lines]).toEqual([]);
});
