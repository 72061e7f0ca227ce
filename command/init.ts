import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WsgiError } from '../src/errors.js';
import type { Values } from './arguments.js';
import { isOld, NODE } from './node-version.js';
import { COMPATIBILITY_DATE, VERSION } from './version.js';

const LANGUAGES = ['ts', 'flask', 'django', 'bottle'] as const;
type Language = (typeof LANGUAGES)[number];
const PLATFORMS = ['cloudflare', 'lambda', 'node'] as const;
type Platform = (typeof PLATFORMS)[number];

const APPLICATIONS: Record<Language, string> = {
  ts: 'app.ts',
  flask: 'app.py:app',
  bottle: 'app.py:app',
  django: 'website/wsgi.py:application',
};

const TEMPLATES = fileURLToPath(new URL('../../command/templates/', import.meta.url));

interface Project {
  folder: string;
  name: string;
  language: Language;
  platforms: readonly Platform[];
  manager: Manager;
}

/** The package manager that runs the command. */
interface Manager {
  name: string;
  version: string;
}

/** Writes a project. Only an empty folder is written into.
 *  @throws {WsgiError} when the folder has files, and on several languages */
export async function initCommand([given = '.']: string[], values: Values): Promise<void> {
  const folder = resolve(given);
  const languages = LANGUAGES.filter((name) => values[name]);
  if (languages.length > 1) throw new WsgiError(`wsgi-edge: choose one of --${languages.join(' and --')}`);
  const chosen = PLATFORMS.filter((name) => values[name]);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name !== '.git') : [];
  if (files.length > 0)
    throw new WsgiError(
      `wsgi-edge: ${folder} has files (${files.slice(0, 3).join(', ')}): init writes into an empty folder`,
    );
  const name =
    basename(folder)
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'application';
  const project: Project = {
    folder,
    name,
    language: languages[0] ?? 'ts',
    platforms: chosen.length === 0 ? PLATFORMS : chosen,
    manager: managerOf(process.env.npm_config_user_agent),
  };
  write(project);
  const here = relative(process.cwd(), folder);
  const { name: manager } = project.manager;
  console.log(`wrote ${name} into ${folder}\n`);
  if (here !== '') console.log(`  cd ${here}`);
  console.log(`  ${manager} install\n  ${manager} run dev      serves it here, and again after each change`);
}

/** Reads the name that package managers give themselves, such as "yarn/4.17.1 npm/? node/v24.21.0 linux x64". */
function managerOf(agent = ''): Manager {
  const [, name = 'npm', version = ''] = /^(npm|pnpm|yarn|bun)\/(\S+)/.exec(agent) ?? [];
  return { name, version };
}

function write(project: Project): void {
  const { folder, name, language, platforms, manager } = project;
  mkdirSync(folder, { recursive: true });
  for (const template of ['common', language]) cpSync(join(TEMPLATES, template), folder, { recursive: true });
  // npm would leave the file out of the package under its own name.
  renameSync(join(folder, '_gitignore'), join(folder, '.gitignore'));
  for (const file of ['app.ts']) {
    const path = join(folder, file);
    if (existsSync(path)) writeFileSync(path, readFileSync(path, 'utf8').replaceAll('{{name}}', name));
  }
  const put = (file: string, text: string) => writeFileSync(join(folder, file), text);
  put('package.json', `${JSON.stringify(manifestOf(project), null, 2)}\n`);
  put('README.md', readmeOf(project));
  // Plug'n'Play, the default, keeps packages in archives, which workerd and AWS's runtime client can't read.
  if (manager.name === 'yarn' && !manager.version.startsWith('1.')) put('.yarnrc.yml', 'nodeLinker: node-modules\n');
  if (platforms.includes('cloudflare')) {
    put(
      'worker.ts',
      entryOf(project, 'assets', "import { toCloudflareHandler } from 'wsgi-edge/cloudflare';", [
        'export default toCloudflareHandler(app);',
      ]),
    );
    put('wrangler.toml', wranglerOf(project));
  }
  if (platforms.includes('lambda')) {
    put(
      'lambda.ts',
      entryOf(project, 'node', "import { toLambdaHandler, toLambdaStreamHandler } from 'wsgi-edge/aws-lambda';", [
        '/** For an HTTP API, a REST API and a load balancer. */',
        'export const handler = toLambdaHandler(app);',
        '/** For a Function URL with response streaming. */',
        'export const streamHandler = toLambdaStreamHandler(app);',
      ]),
    );
    put('serverless.yml', serverlessOf(project));
    put('template.yaml', samOf(project));
  }
  if (platforms.includes('node'))
    put(
      'server.ts',
      entryOf(project, 'node', "import { serve } from 'wsgi-edge/node';", [
        "const { PORT = '8000', HOST = '127.0.0.1' } = process.env;",
        'await serve(app, { port: Number(PORT), hostname: HOST });',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a module
        'console.log(`http://${HOST}:${PORT}/`);',
      ]),
    );
}

// Python has only the variables that it is given. wrangler.toml has nodejs_compat, by which Workers have process.env.
const SECRET = ', { env: { SECRET_KEY: process.env.SECRET_KEY } }';

/** The module that gives an application to a platform. */
function entryOf({ language }: Project, assets: 'assets' | 'node', imported: string, lines: string[]): string {
  const made =
    language === 'ts'
      ? [imported, "import app from './app.ts';", '']
      : [
          imported,
          "import { fromPython } from 'wsgi-edge/python';",
          `import assets from './python_assets/${assets}.mjs';`,
          '',
          `const app = fromPython(assets${language === 'django' ? SECRET : ''});`,
          'await app.boot();',
        ];
  return `${[...made, ...lines].join('\n')}\n`;
}

function manifestOf({ name, language, platforms }: Project): object {
  const application = APPLICATIONS[language];
  const python = language !== 'ts';
  const first = python ? 'node --run build && ' : '';
  const has = (platform: Platform) => platforms.includes(platform);
  const external = python ? ' --external:./python_assets/node.mjs' : '';
  const copy = python ? ' && cp -r python_assets build/' : '';
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: '>=22.18' },
    scripts: {
      dev: `wsgi-edge serve ${application} --reload --debug`,
      test: 'node --test "test/*.test.ts"',
      check: `wsgi-edge check ${application}`,
      ...(python && { build: `wsgi-edge build-python ${application} --requirements requirements.txt` }),
      ...(has('node') && { start: `${first}node server.ts` }),
      ...(has('cloudflare') && {
        'dev:cloudflare': `${first}wrangler dev`,
        'deploy:cloudflare': `${first}wrangler deploy`,
      }),
      ...(has('lambda') && {
        'dev:lambda': `wsgi-edge serve ${application} --target lambda`,
        'build:lambda': `${first}esbuild lambda.ts --bundle --platform=node --format=esm --target=node22${external} --outfile=build/lambda.mjs${copy}`,
        'package:lambda': 'node --run build:lambda && osls package',
        'deploy:lambda': 'node --run build:lambda && osls deploy',
      }),
    },
    dependencies: { 'wsgi-edge': `^${VERSION}` },
    devDependencies: {
      '@types/node': '^24.0.0',
      // If the machine's Node is too old, the project gets one.
      ...(isOld(process.versions.node) && { node: `^${NODE}.0.0` }),
      ...(has('lambda') && { esbuild: '^0.28.0', osls: '^4.3.0' }),
      ...(python && { pyodide: '314.0.7' }),
      typescript: '^7.0.0',
      ...(has('cloudflare') && { wrangler: '^4.155.0' }),
    },
  };
}

const RULES = `
[[rules]]
type = "Data"
globs = ["**/*.bin", "**/*.zip"]
fallthrough = true

[[rules]]
type = "CompiledWasm"
globs = ["**/*.wasm"]
fallthrough = true
`;

const wranglerOf = ({ name, language }: Project): string => `name = "${name}"
main = "worker.ts"
compatibility_date = "${COMPATIBILITY_DATE}"
# nodejs_compat is for password hashes, and enable_request_signal tells of clients that leave.
compatibility_flags = [${language === 'ts' ? '' : '"nodejs_compat", '}"enable_request_signal"]

[dev]
ip = "127.0.0.1"
${language === 'ts' ? '' : RULES}`;

const serverlessOf = ({ name, language }: Project): string => `service: ${name}

provider:
  name: aws
  runtime: nodejs24.x
  architecture: arm64
  region: eu-central-1
  memorySize: ${language === 'ts' ? 512 : 1024}
  timeout: 29 # seconds; an HTTP API waits 30 at most

package:
  patterns: ["!**", "build/**"]

functions:
  api:
    handler: build/lambda.handler
    events:
      - httpApi: "*"
  stream:
    handler: build/lambda.streamHandler
    url:
      invokeMode: RESPONSE_STREAM
`;

const samOf = ({
  language,
  manager,
}: Project): string => `# For AWS SAM: ${manager.name} run build:lambda && sam deploy --guided
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31

Globals:
  Function:
    Runtime: nodejs24.x
    Architectures: [arm64]
    MemorySize: ${language === 'ts' ? 512 : 1024}
    Timeout: 29
    CodeUri: build/

Resources:
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: lambda.handler
      Events:
        Any: { Type: HttpApi }
  Stream:
    Type: AWS::Serverless::Function
    Properties:
      Handler: lambda.streamHandler
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
`;

function readmeOf({ name, platforms, manager }: Project): string {
  const rows: Array<[script: string, comment: string]> = [
    ['dev', 'serves it on Node, and again after each change'],
    ['test', ''],
    ['check', 'looks for mistakes in the application and its configuration'],
  ];
  if (platforms.includes('cloudflare')) rows.push(['dev:cloudflare', 'on workerd'], ['deploy:cloudflare', '']);
  if (platforms.includes('lambda')) rows.push(['dev:lambda', "in AWS's runtime client"], ['deploy:lambda', '']);
  if (platforms.includes('node')) rows.push(['start', 'on Node, for production']);
  const lines = rows.map(([script, comment]) =>
    `${`${manager.name} run ${script}`.padEnd(28)}${comment && ` # ${comment}`}`.trimEnd(),
  );
  return `# ${name}\n\n\`\`\`sh\n${[`${manager.name} install`, ...lines].join('\n')}\n\`\`\`\n`;
}
