// Drivers, ORMs and clients of Python against real servers, on three platforms. The last test prints the table of docs/PYTHON.md.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromPython } from '../../python/index.js';
import { ensureBuilt } from '../../scripts/build-python.ts';
import { modulesOf } from '../../scripts/python-packages.ts';
import { type Services, startServices } from '../../scripts/services.ts';
import { serve } from '../../targets/node/index.js';
import { callApp, testEnviron } from '../../testing/index.js';
import { loadAssets, notFetched } from './assets.ts';
import { runtimeMissing, startFunction } from './lambda.ts';
import { startPlainWorker } from './workerd.ts';

const FOLDER = 'build/python/databases/python_assets';
const USERS = 8;
const missing = notFetched(['databases'], 'drivers of databases');
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'tls', `${name}.pem`), 'utf8');
const CA = pem('ca');

const web: RequestListener = (request, response) => {
  if (request.url === '/never') return;
  if (request.url === '/set-cookie') response.setHeader('Set-Cookie', 'user=Zoe');
  if (request.url === '/large') return void response.end('x'.repeat(1_000_000));
  response.statusMessage = 'Fine';
  const parts: Buffer[] = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => response.end(`${request.headers.cookie ?? ''} ${Buffer.concat(parts)}`));
};
const mails: string[] = [];
/** Takes mails (RFC 5321). */
const smtp = createServer((socket) => {
  let mail: string | undefined;
  socket.write('220 sink\r\n');
  socket.on('error', () => {});
  socket.on('data', (data) => {
    const command = String(data).slice(0, 4).toUpperCase();
    if (mail === undefined) {
      if (command === 'DATA') mail = '';
      socket.write({ DATA: '354 go on\r\n', QUIT: '221 bye\r\n' }[command] ?? '250 fine\r\n');
      return;
    }
    mail += data;
    if (!mail.endsWith('\r\n.\r\n')) return;
    mails.push(mail);
    mail = undefined;
    socket.write('250 taken\r\n');
  });
});
const servers: Record<string, Server> = { HTTP: createHttpServer(web), SMTP: smtp };
for (const name of ['trusted', 'expired'])
  servers[name.toUpperCase()] = createHttpsServer({ key: pem('key'), cert: pem(name) }, (_, response) =>
    response.end('secret'),
  );

let services: Services | undefined;
const env: Record<string, string> = { PG_USER: 'root', MARIADB_USER: 'root' };

const platforms: Record<string, () => Promise<{ origin: string; stop(): unknown }>> = {
  async Node() {
    const server = await serve(fromPython(await loadAssets(FOLDER), { env }), { errors: () => {} });
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  },
  async workerd() {
    const code = `import assets from './assets.mjs';
      import { connect } from 'cloudflare:sockets';
      import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
      import { fromPython } from '../../python/index.js';
      const env = ${JSON.stringify(env)};
      export default toCloudflareHandler(fromPython(assets, { env, sockets: connect }), { errors: () => {} });`;
    const { port, stop } = await startPlainWorker(code, FOLDER, { certificates: [CA] });
    return { origin: `http://127.0.0.1:${port}`, stop };
  },
  async Lambda() {
    const code = `import assets from './python_assets/node.mjs';
      import { getCACertificates, setDefaultCACertificates } from 'node:tls';
      import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
      import { fromPython } from '../../python/index.js';
      setDefaultCACertificates([...getCACertificates('default'), ${JSON.stringify(CA)}]);
      export const handler = toLambdaHandler(fromPython(assets, { env: ${JSON.stringify(env)} }));`;
    const front = await startFunction(code, scratch, 'handler', 'BUFFERED', FOLDER);
    return { origin: front.url, stop: () => front.close() };
  },
};

const CHECKS = [
  'pg8000',
  'PyMySQL',
  'SQLAlchemy with pg8000',
  'SQLAlchemy with PyMySQL',
  'redis-py',
  'requests',
  'requests, https',
  'httpx (synchronous)',
  'httpx, https',
  'urllib',
  'urllib, https',
  'http.client',
  'smtplib',
];
const DJANGO = { 'Django on PostgreSQL (django-pg8000)': 'default', 'Django on MariaDB (PyMySQL)': 'mariadb' };
/** Results by check and platform. */
const table: Record<string, Record<string, string>> = {};

beforeAll(async () => {
  if (missing) return;
  setDefaultCACertificates([...getCACertificates('default'), CA]);
  services = await startServices();
  env.PG_PORT = String(services.postgres);
  env.MARIADB_PORT = String(services.mariadb);
  env.REDIS_PORT = String(services.redis);
  for (const [name, server] of Object.entries(servers)) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    env[`${name}_PORT`] = String((server.address() as AddressInfo).port);
  }
  await ensureBuilt({
    application: 'test/python/databases/apps/both.py:app',
    packages: [modulesOf('databases')],
    out: FOLDER,
    concurrent: true,
    snapshot: 'framework', // all of them together are larger than a Worker may be
  });
}, 400_000);
afterAll(async () => {
  await services?.stop();
  for (const server of Object.values(servers)) server.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe.skipIf(missing).each(Object.keys(platforms))('on %s', (platform) => {
  const skipped = platform === 'Lambda' && runtimeMissing !== undefined && !process.env.CI;
  let running: { origin: string; stop(): unknown } | undefined;
  beforeAll(async () => {
    if (!skipped) running = await platforms[platform]?.();
  }, 120_000);
  afterAll(() => running?.stop());

  const ask = async (target: string): Promise<string> => (await fetch(`${running?.origin}/${target}`)).text();
  /** Asks once, then as several users at a time. The emulated function serves one request at a time, as a real one does. */
  const askAll = async (target: string): Promise<string[]> => [
    await ask(target),
    ...(await Promise.all(Array.from({ length: USERS }, () => ask(target)))),
  ];
  const works = Array.from({ length: USERS + 1 }, () => 'works');
  const record = (check: string, result: string): void => {
    table[check] = { ...table[check], [platform]: result };
  };

  describe.skipIf(skipped)('works', () => {
    it('creates its databases', async () => {
      expect(await ask('create')).toBe('created');
    }, 60_000);

    it.each(CHECKS)('%s', { timeout: 120_000 }, async (check) => {
      const answers = await askAll(`check?name=${encodeURIComponent(check)}`);
      record(
        check,
        answers
          .find((answer) => answer !== 'works')
          ?.trim()
          .split('\n')
          .at(-1) ?? 'works',
      );
      expect(answers).toEqual(works);
    });

    it.each(Object.entries(DJANGO))('%s', { timeout: 120_000 }, async (check, on) => {
      expect(await ask(`django/migrate?on=${on}`)).toBe('works');
      const answers = await askAll(`django/check?on=${on}`);
      record(
        check,
        answers
          .find((answer) => answer !== 'works')
          ?.trim()
          .split('\n')
          .at(-1) ?? 'works',
      );
      expect(answers).toEqual(works);
    });

    it('async views of Flask and Django', { timeout: 60_000 }, async () => {
      const flask = await askAll('async');
      expect(flask).toEqual(works.map(() => '3'));
      const django = await askAll('django/async');
      expect(django.map((text) => JSON.parse(text))).toEqual(works.map(() => ({ users: 0 })));
    });
  });
});

it.skipIf(missing)('requests uses fetch when there are no sockets', { timeout: 60_000 }, async () => {
  const app = fromPython(await loadAssets(FOLDER), { env, sockets: false });
  const asked = await callApp(app, testEnviron({ PATH_INFO: '/fetched' }));
  expect(asked.text()).toBe('200   EmscriptenHTTPConnection');
});

it.skipIf(missing)('the table', () => {
  const names = Object.keys(platforms);
  const cells = Object.entries(table).map(([check, results]) => [
    check,
    ...names.map((name) => results[name] ?? 'not run'),
  ]);
  console.log([['', ...names], ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n'));
  expect(mails.length).toBeGreaterThan(0);
  expect(mails.every((mail) => mail.includes('Subject: zoe@example.org'))).toBe(true);
});
