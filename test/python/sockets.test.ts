// Python's socket and ssl modules, on Node and on workerd, with real servers on this machine.
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromPython, type PythonOptions } from '../../python/index.js';
import { serve } from '../../targets/node/index.js';
import { ASSETS, CONCURRENT_ASSETS, loadAssets } from './assets.ts';
import { startPlainWorker } from './workerd.ts';

const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'tls', `${name}.pem`), 'utf8');
const CA = pem('ca');
const servers: Server[] = [];
const open = new Set<Socket>();
const hanging: Socket[] = [];

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends back what it gets, and resets the connection if that is "reset". */
const echo = (socket: Socket): void => {
  socket.on('data', (data: Buffer) => (String(data) === 'reset' ? socket.resetAndDestroy() : socket.write(data)));
  socket.on('end', () => socket.end());
};
/** Begins TLS when it is told to, and is otherwise a very small SMTP server. */
const upgrades = (socket: Socket): void => {
  socket.write('220 hello\r\n');
  socket.on('data', (data) => {
    if (!/STARTTLS/i.test(String(data))) return void socket.write('250-hello\r\n250 STARTTLS\r\n');
    socket.removeAllListeners('data');
    socket.write('220 ready\r\n');
    const secure = new TLSSocket(socket, { isServer: true, key: pem('key'), cert: pem('trusted') });
    secure.on('error', () => {});
    secure.on('data', (data) =>
      secure.write(
        (/EHLO/i.test(String(data)) && '250 hello\r\n') || (/QUIT/i.test(String(data)) && '221 bye\r\n') || data,
      ),
    );
  });
};

const ports: Record<string, number> = {};
beforeAll(async () => {
  setDefaultCACertificates([...getCACertificates('default'), CA]);
  ports.echo = await listening(createServer(echo));
  ports.silent = await listening(createServer((socket) => socket.resume()));
  ports.hanging = await listening(createServer((socket) => hanging.push(socket.resume())));
  ports.starttls = await listening(createServer(upgrades));
  for (const name of ['trusted', 'expired', 'wrong-host', 'self-signed'])
    ports[name] = await listening(createTlsServer({ key: pem('key'), cert: pem(name) }, echo));
});
afterAll(() => {
  for (const socket of open) socket.destroy();
  for (const server of servers) server.close();
});

type Ask = (view: string, port?: string, signal?: AbortSignal) => Promise<unknown>;
interface Running {
  ask: Ask;
  stop(): unknown;
}
let workers = 0;
const running: Running[] = [];
afterAll(async () => {
  for (const { stop } of running) await stop();
});

const platforms = {
  async Node(options: PythonOptions, folder: string): Promise<Running> {
    const app = fromPython(await loadAssets(folder), { application: 'net:app', ...options });
    const server = await serve(app, { errors: () => {} });
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { ask: asking((server.address() as AddressInfo).port), stop };
  },
  async workerd(options: PythonOptions, folder: string): Promise<Running> {
    const { sockets, ...others } = { application: 'net:app', ...options };
    const allow = typeof sockets === 'object' ? sockets.allow : undefined;
    const code = `import assets from './assets.mjs';
      import { connect } from 'cloudflare:sockets';
      import { toCloudflareHandler } from '../../targets/cloudflare/index.js';
      import { fromPython } from '../../python/index.js';
      const sockets = ${sockets === false ? false : `{ connect${allow === undefined ? '' : `, allow: ${allow}`} }`};
      export default toCloudflareHandler(fromPython(assets, { ...${JSON.stringify(others)}, sockets }), { errors: () => {} });`;
    const { port, stop } = await startPlainWorker(code, folder, {
      certificates: [CA],
      scratch: `build/sockets-worker-${++workers}`,
    });
    return { ask: asking(port), stop };
  },
};

const asking =
  (origin: number): Ask =>
  async (view, port = 'echo', signal) => {
    const response = await fetch(`http://127.0.0.1:${origin}/${view}?${ports[port]}`, signal ? { signal } : {});
    return response.status === 200 ? response.json() : response.status;
  };
const error = (name: string, text: unknown = expect.anything()) => ({ error: [name, text] });

it('sockets must be an option that is known', async () => {
  const assets = await loadAssets();
  for (const sockets of [true, { allow: 'all' }, { connect: 1 }])
    expect(() => fromPython(assets, { sockets: sockets as never })).toThrow('sockets must be false');
});

describe.each(['Node', 'workerd'] as const)('on %s', (where) => {
  const start = async (options: PythonOptions = {}, folder = ASSETS) => {
    const python = await platforms[where]({ env: { TEST_CA: CA }, ...options }, folder);
    running.push(python);
    return python;
  };
  const onNode = where === 'Node';
  let python: Running;
  beforeAll(async () => {
    python = await start();
  });

  it('sockets send and receive', async () => {
    expect(await python.ask('echo')).toEqual([true, '', ['127.0.0.1', ports.echo]]);
  });

  it.each([
    ['refused', 'ConnectionRefusedError', 'a port that nobody listens on'],
    ['refused_with_timeout', 'ConnectionRefusedError', 'the same, with a timeout'],
    ['reset', 'ConnectionResetError', 'a connection that is reset'],
    ['timeout', 'TimeoutError', 'a timeout'],
  ])('%s raises %s: %s', async (view, name) => {
    expect(await python.ask(view, view === 'timeout' ? 'silent' : 'echo')).toEqual(error(name));
  });

  it('an unknown host raises gaierror on Node; Workers refuse the connection', async () => {
    expect(await python.ask('unknown')).toEqual(error(onNode ? 'gaierror' : 'ConnectionRefusedError'));
  });

  it('600 names have 600 addresses', async () => {
    expect(await python.ask('names')).toBe(600);
  });

  it('listening and datagrams raise OSError', async () => {
    expect(await python.ask('listens')).toEqual(error('OSError'));
    expect(await python.ask('datagram')).toEqual(error('OSError'));
  });

  it('a connection of an earlier request works on Node, and is reset on Workers', async () => {
    expect(await python.ask('keeps')).toBe('a');
    expect(await python.ask('polled'), 'whether a pool sees that it has ended').toBe(!onNode);
    expect(await python.ask('reuses')).toEqual(
      onNode ? 'b' : error('ConnectionResetError', expect.stringContaining('request that opened it')),
    );
  });

  describe('TLS', () => {
    const refused = onNode
      ? error('SSLCertVerificationError', expect.stringContaining('CERTIFICATE_VERIFY_FAILED'))
      : error('SSLError', expect.stringContaining('certificate was refused'));

    it.each(['tls', 'tls_first', 'starttls', 'stdlib', 'no_hostname'])('%s is encrypted', async (view) => {
      expect(await python.ask(view, view === 'starttls' ? 'starttls' : 'trusted')).toBe('secret');
    });

    it('smtplib begins it, and verifies the server', async () => {
      expect(await python.ask('smtp', 'starttls')).toBe(250);
    });

    it.each(['expired', 'wrong-host', 'self-signed'])('refuses a certificate that is %s', async (certificate) => {
      expect(await python.ask('tls', certificate)).toEqual(refused);
      expect(await python.ask('stdlib', certificate)).toEqual(refused);
    });

    it('tells a client that compares the name itself only the name that was verified', async () => {
      expect(await python.ask('verified_names', 'trusted')).toEqual([['DNS', 'localhost']]);
      expect(await python.ask('verified_names', 'wrong-host')).toEqual(onNode ? [] : refused);
    });

    it('compares the name that Python gives', async () => {
      expect(await python.ask('other_name', 'wrong-host')).toBe('secret');
      expect(await python.ask('other_name', 'trusted')).toEqual(refused);
    });

    it('times out', async () => {
      expect(await python.ask('tls_timeout', 'trusted')).toEqual(error('TimeoutError'));
      expect(await python.ask('handshake_timeout', 'silent')).toEqual(error('TimeoutError'));
    });

    it('is never plain text', async () => {
      expect(await python.ask('plain')).toEqual(error('SSLError'));
    });

    it.each([
      ['cert_none', 'CERT_NONE is refused'],
      ['client_certificate', 'certificate of a client'],
      ['bio', 'TLS needs a socket'],
    ])('%s is refused: %s', async (view, text) => {
      expect(await python.ask(view, 'self-signed')).toEqual(error('SSLError', expect.stringContaining(text)));
    });

    it('a CA of its own and a minimum version work on Node, and are refused on Workers', async () => {
      const refusal = (text: string) => (onNode ? 'secret' : error('SSLError', expect.stringContaining(text)));
      expect(await python.ask('custom_ca', 'trusted')).toEqual(refusal('trust only'));
      expect(await python.ask('only_new', 'trusted')).toEqual(refusal('version of TLS'));
    });
  });

  it('a turn that is over interrupts a wait, closes the socket, and spoils a connection that is kept', async () => {
    const { ask } = await start({ timeout: 100 });
    expect(await ask('hangs', 'hanging')).toEqual(error('JsException', expect.stringContaining('100 ms')));
    await expect.poll(() => hanging.at(-1)?.destroyed).toBe(true);
    expect(await ask('leaks', 'silent')).toEqual(error('JsException'));
    expect(await ask('leaked', 'silent')).toEqual(error('ConnectionResetError'));
  });

  it('a client that leaves does not leave the socket open', async () => {
    const { ask } = await start({ timeout: 3000 });
    const before = hanging.length;
    const client = new AbortController();
    const asked = ask('hangs', 'hanging', client.signal).catch(() => 'left');
    await expect.poll(() => hanging.length, { timeout: 20_000 }).toBe(before + 1);
    client.abort();
    expect(await asked).toBe('left');
    await expect.poll(() => hanging.at(-1)?.destroyed, { timeout: 20_000 }).toBe(true);
    expect(await ask('fine')).toBe('fine');
  });

  it('others get the interpreter while a request waits for a socket', async () => {
    const { ask } = await start({ timeout: 2000 }, CONCURRENT_ASSETS);
    const waiting = ask('hangs', 'silent').then(() => 'interrupted');
    const others = ask('fine').then(() => ask('fine'));
    expect(await Promise.race([waiting, others])).toBe('fine');
    expect(await waiting).toBe('interrupted');
  });

  it('allow decides by host and port', async () => {
    const allow = (host: string, port: number) => host === 'localhost' || (host === '127.0.0.1' && port > 1024);
    const { ask } = await start({ sockets: { allow } });
    expect(await ask('echo')).toEqual([true, '', expect.anything()]);
    expect(await ask('private')).toEqual(error('PermissionError', expect.stringContaining('10.0.0.1:80')));
  });

  it('false takes them away', async () => {
    const { ask } = await start({ sockets: false });
    expect(await ask('echo')).toEqual(error('OSError', expect.stringContaining('option sockets')));
    expect(await ask('tls', 'trusted')).toEqual(error('OSError', expect.stringContaining('option sockets')));
  });
});
