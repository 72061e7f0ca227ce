// node site/run.ts dev|build [options of VitePress]: installs the site's packages if they are missing, writes the reference,
// then runs VitePress. The package must be built, because the reference is made of its declarations.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const folder = import.meta.dirname;
const modules = `${folder}/node_modules`;
if (!existsSync(modules))
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });

// It needs the packages.
const { writeReference } = await import('./reference.ts');
await writeReference();

const [command = 'dev', ...options] = process.argv.slice(2);
const vitepress = [`${modules}/vitepress/bin/vitepress.js`, command, folder, ...options];
process.exitCode = spawnSync(process.execPath, vitepress, { stdio: 'inherit' }).status ?? 1;
