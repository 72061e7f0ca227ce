// PostgreSQL, MariaDB and Redis for the tests of Python's drivers: those that listen on their standard ports of 127.0.0.1, for the
// user root without a password, or else servers of this script, from the packages of Debian.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../test/free-port.ts';

export interface Services {
  postgres: number;
  mariadb: number;
  redis: number;
  /** Ends the servers that were started, and removes their folders. */
  stop(): Promise<void>;
}

interface Service {
  port: number;
  /** The package of Debian that has it. */
  debian: string;
  /** Ends it, also while clients are connected. */
  signal: NodeJS.Signals;
  /** Finds its program. */
  program(): string | undefined;
  /** Prepares a folder, and returns the command that serves from it. */
  command(program: string, folder: string, port: number): string[];
}

const asRoot = process.getuid?.() === 0;
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const firstOf = (...paths: string[]): string | undefined => paths.find((path) => existsSync(path));

/** The folder of PostgreSQL's programs, which Debian puts outside of PATH. */
function postgresPrograms(): string | undefined {
  const folder = '/usr/lib/postgresql';
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(folder, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
}

type ServiceName = 'postgres' | 'mariadb' | 'redis';

const SERVICES: Record<ServiceName, Service> = {
  postgres: {
    port: 5432,
    debian: 'postgresql',
    signal: 'SIGINT',
    program: postgresPrograms,
    command(bin, folder, port) {
      // PostgreSQL refuses to run as root.
      const user = asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
      if (asRoot) chownSync(folder, Number(run('id', '-u', 'postgres')), -1);
      const [command = '', ...args] = [...user, join(bin, 'initdb'), '-D', folder, '-A', 'trust', '-U', 'root'];
      run(command, ...args);
      const options = ['-h', '127.0.0.1', '-p', String(port), '-k', folder];
      return [...user, join(bin, 'postgres'), '-D', folder, ...options];
    },
  },
  mariadb: {
    port: 3306,
    debian: 'mariadb-server',
    signal: 'SIGTERM',
    program: () => firstOf('/usr/sbin/mariadbd'),
    command(program, folder, port) {
      const user = asRoot ? ['--user=root'] : [];
      const method = '--auth-root-authentication-method=normal';
      run('mariadb-install-db', '--no-defaults', `--datadir=${folder}`, method, ...user);
      const socket = `--socket=${folder}/socket`;
      return [
        program,
        '--no-defaults',
        `--datadir=${folder}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        socket,
        ...user,
      ];
    },
  },
  redis: {
    port: 6379,
    debian: 'redis-server',
    signal: 'SIGTERM',
    program: () => firstOf('/usr/bin/redis-server'),
    command: (program, folder, port) => [
      program,
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      folder,
    ],
  },
};

/** Finds or starts the servers.
 *  @throws {Error} when one is neither there nor can be installed */
export async function startServices(): Promise<Services> {
  const started: Server[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };
  const portOf = async (name: ServiceName): Promise<number> => {
    if (await listens(SERVICES[name].port)) return SERVICES[name].port;
    const server = await startServer(name);
    started.push(server);
    return server.port;
  };
  try {
    const [postgres, mariadb, redis] = [await portOf('postgres'), await portOf('mariadb'), await portOf('redis')];
    return { postgres, mariadb, redis, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A server of this script. */
export interface Server {
  port: number;
  folder: string;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a server with an empty folder on a free port. It ends with this process, too.
 *  @throws {Error} when its program can't be installed, or it does not listen */
export async function startServer(name: ServiceName): Promise<Server> {
  const service = SERVICES[name];
  const program = installed(name, service);
  const folder = mkdtempSync(join(tmpdir(), `wsgi-edge-${name}-`));
  let end = async (): Promise<void> => {};
  const stop = async (): Promise<void> => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const port = await freePort();
    const [command = '', ...args] = service.command(program, folder, port);
    const child = spawn(command, args, { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
    const kill = () => child.kill(service.signal);
    process.once('exit', kill);
    end = async () => {
      process.off('exit', kill);
      kill();
      await ended;
    };
    const running = () => child.pid !== undefined && child.exitCode === null;
    for (let tries = 0; tries < 300 && running() && !(await listens(port)); tries++) await sleep(100);
    if (!(await listens(port))) throw new Error(`${name} (${command} ${args.join(' ')}) does not listen on ${port}`);
    return { port, folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Finds a program, or installs it if CI runs as root. */
function installed(name: ServiceName, { debian, program }: Service): string {
  if (program() === undefined && asRoot && process.env.CI) {
    run('apt-get', 'update', '-qq');
    run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', debian);
  }
  const found = program();
  if (found === undefined) throw new Error(`${name} is missing (Debian package ${debian})`);
  return found;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', settle(true));
    socket.on('error', settle(false));
  });
