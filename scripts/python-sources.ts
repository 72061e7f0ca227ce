// Writes python/builder/python-sources.ts, the text of the Python half of the gateway: `tsc -b` copies no .py files.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const ROOT = new URL('../python/', import.meta.url);
const TARGET = new URL('../python/builder/python-sources.ts', import.meta.url);

/** The module as it should be. */
export function pythonSourcesModule(): string {
  const files = readdirSync(new URL('wsgi_edge/', ROOT))
    .filter((name) => name.endsWith('.py'))
    .sort()
    .map((name) => `wsgi_edge/${name}`);
  const quoted = (text: string) => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``;
  const entries = files.map(
    (path) => `  {\n    path: '${path}',\n    text: ${quoted(readFileSync(new URL(path, ROOT), 'utf8'))},\n  },\n`,
  );
  return `// Written by \`npm run python-sources\` from python.

/** The Python half of the gateway, by its path below the packages. */
export const pythonSources: Array<{ path: string; text: string }> = [
${entries.join('')}];
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(TARGET, pythonSourcesModule());
  console.log('wrote python/builder/python-sources.ts');
}
