#!/usr/bin/env node
import { WsgiError } from '../src/errors.js';
import { type Command, parseCommand, usageOf } from './arguments.js';
import { isOld, runOnNewerNode } from './node-version.js';
import { VERSION } from './version.js';

const APPLICATION = 'app.ts[:name], app.py[:name] or package.module:name';
const TARGET = 'node (the default), cloudflare, or lambda[:function-url|rest-api|http-api|alb]';
const REQUEST = {
  method: { type: 'string', short: 'X', value: 'METHOD', help: 'GET by default, POST with a body' },
  header: { type: 'string', short: 'H', value: 'HEADER', multiple: true, help: '"Name: value"; may be given again' },
  data: {
    type: 'string',
    short: 'd',
    value: 'TEXT',
    help: 'the body; @FILE is read from a file, @- from standard input',
  },
} as const;

const COMMANDS: Record<string, Command> = {
  serve: {
    operands: 'APPLICATION',
    summary: `serve an application: ${APPLICATION}`,
    options: {
      port: { type: 'string', short: 'p', value: 'N', help: '8000 by default; 0 takes a free one' },
      host: { type: 'string', value: 'NAME', help: '127.0.0.1 by default' },
      target: { type: 'string', value: 'TARGET', help: TARGET },
      reload: { type: 'boolean', help: 'start again when a file changes' },
      workers: {
        type: 'string',
        short: 'w',
        value: 'N',
        help: 'the number of processes that share the port; 1 by default',
      },
      validate: { type: 'boolean', help: 'check the application against PEP 3333' },
      debug: { type: 'boolean', help: 'show errors in the browser; never for production' },
      'access-log': {
        type: 'string',
        value: 'FORMAT',
        bare: 'combined',
        help: 'log each response: combined (the default), common or json',
      },
      record: { type: 'string', value: 'FOLDER', help: 'write each request to a file, for event --replay' },
    },
    run: async (operands, values) => (await import('./serve.js')).serveCommand(operands, values),
  },
  request: {
    operands: 'APPLICATION [PATH]',
    summary: 'send one request to an application, and print the response',
    options: {
      ...REQUEST,
      target: { type: 'string', value: 'TARGET', help: TARGET },
      validate: { type: 'boolean', help: 'check the application against PEP 3333' },
    },
    run: async (operands, values) => (await import('./request.js')).requestCommand(operands, values),
  },
  event: {
    operands: '[KIND] [PATH]',
    summary: 'print the event that a front end of Lambda sends, or replay a recorded request',
    options: {
      ...REQUEST,
      replay: { type: 'string', value: 'FILE', help: 'a request that serve --record has written' },
      application: { type: 'string', value: 'APPLICATION', help: `the application to replay it on: ${APPLICATION}` },
      target: {
        type: 'string',
        value: 'TARGET',
        multiple: true,
        help: `${TARGET}; may be given again, and then the answers are compared`,
      },
    },
    run: async (operands, values) => (await import('./event.js')).eventCommand(operands, values),
  },
  check: {
    operands: 'APPLICATION',
    summary: 'look for mistakes in an application and in its configuration',
    options: {},
    run: async (operands) => (await import('./check.js')).checkCommand(operands),
  },
  conformance: {
    operands: '[URL]',
    summary: 'run the conformance cases against a WSGI server that serves their application',
    options: {
      app: { type: 'string', value: 'LANGUAGE', help: 'print that application: python or typescript' },
      json: { type: 'boolean', help: 'print the report as JSON' },
      badge: { type: 'string', value: 'FILE', help: 'write a badge (SVG)' },
    },
    run: async (operands, values) => (await import('./conformance.js')).conformanceCommand(operands, values),
  },
  init: {
    operands: '[FOLDER]',
    summary: 'write a project that runs after one command',
    options: {
      ts: { type: 'boolean', help: 'an application in TypeScript (the default)' },
      flask: { type: 'boolean', help: 'an application on Flask' },
      django: { type: 'boolean', help: 'an application on Django' },
      bottle: { type: 'boolean', help: 'an application on Bottle' },
      cloudflare: { type: 'boolean', help: 'for Cloudflare Workers' },
      lambda: { type: 'boolean', help: 'for AWS Lambda' },
      node: { type: 'boolean', help: 'for Node; all three by default' },
    },
    run: async (operands, values) => (await import('./init.js')).initCommand(operands, values),
  },
  'build-python': {
    operands: 'APPLICATION',
    summary: 'build the assets of a Python application',
    options: {
      packages: {
        type: 'string',
        value: 'DIR',
        multiple: true,
        help: 'a folder of installed packages (pip install --target DIR ...); may be given again. python_modules by default, if it exists',
      },
      requirements: {
        type: 'string',
        value: 'FILE',
        help: 'a requirements.txt, which uv or pip installs; without them pip runs in WebAssembly, on Node 24 or later. Only wheels count',
      },
      'index-url': {
        type: 'string',
        value: 'URL',
        help: 'the package index; by default that of the file, $PIP_INDEX_URL or https://pypi.org/simple',
      },
      exclude: {
        type: 'string',
        value: 'PATTERN',
        multiple: true,
        help: 'leave files of the application out, or files of packages (packages/NAME/...); may be given again. Patterns are like those of .gitignore, but only with *, ? and **. [tool.wsgi-edge] in pyproject.toml may have the lists exclude, include and languages',
      },
      include: {
        type: 'string',
        value: 'PATTERN',
        multiple: true,
        help: 'ship files that are left out by default or by --exclude; may be given again. Keys and credentials must be named without wildcards',
      },
      languages: {
        type: 'string',
        value: 'LIST',
        help: 'the translations (.mo) of packages to ship, such as de,pt_BR; all by default',
      },
      static: {
        type: 'boolean',
        help: 'collect the static files of Django and Flask into the folder public of the assets, for the platform to serve, and leave them out of the interpreter',
      },
      out: {
        type: 'string',
        value: 'DIR',
        help: 'the folder for the assets, python_assets by default; only files of an earlier build in it are replaced',
      },
      snapshot: {
        type: 'string',
        value: 'LEVEL',
        help: 'freeze the memory after the import of the application (app, the default), or of only the packages that it uses (framework)',
      },
      'no-snapshot': { type: 'boolean', help: 'freeze nothing; starts are slow' },
      target: {
        type: 'string',
        value: 'TARGET',
        help: 'worker, or node (Lambda and Node); both by default. For Workers, assets of more than 64 MiB are an error',
      },
      env: {
        type: 'string',
        value: 'NAME=VALUE',
        multiple: true,
        help: 'an environment variable for the import; it becomes part of the assets',
      },
      'allow-secrets': {
        type: 'string',
        value: 'NAME',
        multiple: true,
        help: 'accept a variable although its name or value looks like a secret',
      },
      concurrent: {
        type: 'boolean',
        help: 'serve other requests also while a view waits for a promise; otherwise they wait for it, up to the option timeout. threading.local belongs to the request',
      },
      optimize: { type: 'boolean', help: 'drop docstrings and asserts (python -OO)' },
      watch: { type: 'boolean', help: 'build again when a file changes' },
    },
    run: async (operands, values) => (await import('./build-python.js')).buildPythonCommand(operands, values),
  },
};

async function main([name = '--help', ...rest]: string[]): Promise<void> {
  if (name === '--version' || name === '-v') return console.log(`wsgi-edge ${VERSION}, Node ${process.versions.node}`);
  if (name === '--help' || name === '-h' || name === 'help') return console.log(usageOf(COMMANDS, rest[0]));
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new WsgiError(`wsgi-edge: there is no command ${name}\n\n${usageOf(COMMANDS)}`);
  const parsed = parseCommand(name, command, rest);
  if (parsed === undefined) return console.log(usageOf(COMMANDS, name));
  await command.run(parsed.operands, parsed.values);
}

try {
  const args = process.argv.slice(2);
  if (isOld(process.versions.node) && args[0] !== 'init') await runOnNewerNode();
  else await main(args);
} catch (error) {
  // Node shows the line of a mistake in the application's own files.
  if ((error as Error).name !== 'WsgiError') throw error;
  console.error((error as Error).message);
  process.exitCode = 1;
  // The channel to a parent, which `--workers` and `--reload` have, would keep the process alive.
  if (process.connected) process.exit();
}
