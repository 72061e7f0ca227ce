// Writes docs/api: a page for each public subpath of the package, made of the declarations and doc comments in dist/.
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Application, type Comment } from 'typedoc';

const root = resolve(import.meta.dirname, '..');
const OUT = join(root, 'docs/api');

/** The public subpaths of the package in order, with their files of declarations. */
export function subpathsOf(): Array<{ subpath: string; types: string }> {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string;
    exports: Record<string, { types: string } | string>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ subpath: path.replace('.', name), types: join(root, target.types) }],
  );
}

export async function writeReference(): Promise<void> {
  const subpaths = subpathsOf();
  const files = subpaths.map(({ types }) => types);
  const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-reference-'));
  const tsconfig = join(folder, 'tsconfig.json');
  const types = [join(root, 'node_modules/@types/node')];
  const compilerOptions = { module: 'nodenext', target: 'esnext', strict: true, skipLibCheck: true, types };
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files }));
  const app = await Application.bootstrapWithPlugins({ ...OPTIONS, tsconfig, entryPoints: files });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc can not read the declarations: npm run build');
  // TypeDoc names a module after its path in dist/.
  for (const child of project.children ?? []) {
    const candidates = [join(root, 'dist', `${child.name}.d.ts`), join(root, 'dist', child.name, 'index.d.ts')];
    const found = subpaths.find((each) => candidates.includes(each.types));
    if (found === undefined) throw new Error(`no subpath of the package leads to dist/${child.name}`);
    child.name = found.subpath;
  }
  for (const reflection of Object.values(project.reflections)) nameErrors(reflection.comment);
  rmSync(OUT, { recursive: true, force: true });
  await app.generateOutputs(project);
  rmSync(folder, { recursive: true });
  for (const path of globSync(`${OUT}/**/*.md`)) {
    // A parameter that the function takes apart has no name.
    const page = withoutMargin(readFileSync(path, 'utf8')).replaceAll('__namedParameters', 'options');
    writeFileSync(path, `---\noutline: 2\n---\n\n${page}`);
  }
}

/** Puts the class of an error before its description, because the plugin shows only the description. */
function nameErrors(comment: Comment | undefined): void {
  for (const { typeAnnotation, content } of comment?.blockTags ?? [])
    if (typeAnnotation !== undefined) content.unshift({ kind: 'code', text: `\`${typeAnnotation.slice(1, -1)}\` ` });
}

/** Removes the space that the layout of doc comments leaves before each line of their examples. */
const withoutMargin = (page: string): string =>
  page.replace(/^```ts\n([\s\S]*?)^ ?```$/gm, (whole) => whole.replace(/^ /gm, ''));

const OPTIONS = {
  plugin: ['typedoc-plugin-markdown'],
  outputs: [{ name: 'markdown', path: OUT }],
  readme: 'none',
  logLevel: 'Error',
  disableSources: true,
  disableGit: true,
  excludeExternals: true,
  preservedTypeAnnotationTags: ['@throws'],
  groupOrder: ['Functions', 'Classes', 'Variables', 'Interfaces', 'Type Aliases'],
  // Options of the plugin.
  outputFileStrategy: 'modules',
  entryFileName: 'index',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  hideGroupHeadings: true,
  useCodeBlocks: true,
  expandParameters: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  sanitizeComments: true,
  // Its anchors have other numbers than those of VitePress when a name occurs more than once.
  useHTMLAnchors: true,
  anchorPrefix: 'name-',
} as Parameters<typeof Application.bootstrapWithPlugins>[0];
