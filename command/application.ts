import { existsSync } from 'node:fs';
import module from 'node:module';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import type { Application } from 'wsgi-edge';
import { nameOf, WsgiError } from '../src/errors.js';

/** An application as a command names it. */
export type Named =
  | { language: 'typescript'; file: string; name: string | undefined }
  | { language: 'python'; entry: string };

/** Reads "app.ts[:name]", "app.py[:name]" or "package.module:name".
 *  @throws {WsgiError} when it is neither, and when the file or module does not exist */
export function parseApplication(text: string): Named {
  const [, path, name] = /^(.+?\.[cm]?[jt]sx?)(?::(.+))?$/.exec(text) ?? [];
  if (path === undefined) {
    const [, script] = /^(.+?\.py)(?::.+)?$/.exec(text) ?? [];
    if (script !== undefined && !existsSync(script)) throw new WsgiError(`wsgi-edge: there is no file ${script}`);
    if (script === undefined) checkModule(text);
    return { language: 'python', entry: text };
  }
  const file = resolve(path);
  if (!existsSync(file)) throw new WsgiError(`wsgi-edge: there is no file ${path}`);
  return { language: 'typescript', file, name };
}

function checkModule(text: string): void {
  const [, name] = /^(\w+(?:\.\w+)*)(?::[\w.]+)?$/.exec(text) ?? [];
  if (name === undefined)
    throw new WsgiError(
      `wsgi-edge: ${JSON.stringify(text)} names no application: it must be like app.ts, app.py or package.module:name`,
    );
  const path = name.replaceAll('.', '/');
  if (!existsSync(`${path}.py`) && !existsSync(`${path}/__init__.py`))
    throw new WsgiError(`wsgi-edge: there is no file ${path}.py, the Python module ${name}`);
}

/** Imports the application of a module of TypeScript or JavaScript: the export that is named, or the default one.
 *  @throws {WsgiError} when the module has no such application, or can't be run as it is */
export async function importApplication(file: string, name: string | undefined): Promise<Application> {
  const exports = await importModule(file);
  const found = name === undefined ? (exports.default ?? exports.app ?? exports.application) : exports[name];
  if (typeof found === 'function') return found as Application;
  const names = Object.keys(exports).join(', ') || 'nothing';
  if (found === undefined)
    throw new WsgiError(
      name === undefined
        ? `wsgi-edge: ${file} has no default export: export default (environ, startResponse) => …, or name one of its exports (${names}): ${file}:NAME`
        : `wsgi-edge: ${file} has no export ${name}; it has ${names}`,
    );
  const handler = typeof (found as { fetch?: unknown }).fetch === 'function';
  throw new WsgiError(
    handler
      ? `wsgi-edge: ${file} exports a handler of Fetch (an object with fetch()): export the application itself, or fromFetchHandler(handler.fetch)`
      : `wsgi-edge: the application must be a function (environ, startResponse), and ${file} exports ${nameOf(found)}`,
  );
}

/** Imports a module. Node removes the types itself; imports may leave out their extension or say .js for .ts, as bundlers let them. */
async function importModule(file: string): Promise<Record<string, unknown>> {
  if (/\.[cm]?tsx?$/.test(file) && !process.features.typescript)
    throw new WsgiError(
      `wsgi-edge: Node ${process.versions.node} runs no TypeScript: use Node 22.18 or later, or set NODE_OPTIONS=--experimental-strip-types`,
    );
  resolveAsBundlers();
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
      throw new WsgiError(
        `wsgi-edge: Node can't remove the types of ${file}: ${message}. Write what has no effect at run time (no enum, no namespace), or set NODE_OPTIONS=--experimental-transform-types`,
        { cause: error },
      );
    throw new WsgiError(`wsgi-edge: ${relative('.', file)} can't be imported:\n${ownStack(error)}`, { cause: error });
  }
}

const PACKAGE = new URL('..', import.meta.url).href;

/** The stack of an error without the frames of Node and of this package, which say nothing about a mistake in a module. */
const ownStack = (error: unknown): string =>
  (error instanceof Error ? String(error.stack) : `it throws ${inspect(error)}`)
    .split('\n')
    .filter((line) => !/^ +at /.test(line) || !(line.includes('node:') || line.includes(PACKAGE)))
    .join('\n');

let resolving = false;

function resolveAsBundlers(): void {
  if (resolving) return;
  resolving = true;
  module.registerHooks({
    // TypeScript with imports is a module, although package.json says "commonjs", as `npm init` lets it.
    load: (url, context, next) =>
      next(url, context.format === 'commonjs-typescript' ? { ...context, format: 'module-typescript' } : context),
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (!specifier.startsWith('.') || (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'ERR_UNSUPPORTED_DIR_IMPORT'))
          throw error;
        const stem = specifier.replace(/\.([cm]?)js$/, '.$1ts');
        const candidates = stem === specifier ? ENDINGS.map((ending) => specifier + ending) : [stem, `${stem}x`];
        for (const candidate of candidates)
          try {
            return next(candidate, context);
          } catch {}
        throw error;
      }
    },
  });
}

const ENDINGS = ['.ts', '.tsx', '.mts', '.js', '.mjs', '/index.ts', '/index.js'];
