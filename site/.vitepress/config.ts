import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { emptyHeaders, linksOutside } from '../markdown.ts';
import { DOCS, type Group, guides, reference } from '../pages.ts';

const { description, repository } = JSON.parse(readFileSync(join(DOCS, '../package.json'), 'utf8')) as {
  description: string;
  repository: { url: string };
};
// The address of the repository on the web, unless package.json has a placeholder for its owner.
const source = repository.url.includes('/OWNER/') ? undefined : repository.url.replace(/^git\+|\.git$/g, '');

const pathOf = (path: string): string => `/${path.replace(/\.md$/, '')}`;
const sidebarOf = (groups: Group[]) =>
  groups.map(({ title, pages }) => ({
    text: title,
    items: pages.map((page) => ({ text: page.title, link: pathOf(page.path) })),
  }));
const referenceSidebar = sidebarOf(reference());
const referencePaths = ['/api/', ...reference().flatMap(({ pages }) => pages.map(({ path }) => pathOf(path)))];
const groups = [...guides(), ...reference()];

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" rx="2" fill="#0b5cad"/><path d="M1.5 2.5l1 3 1.5-3 1.5 3 1-3" fill="none" stroke="#fff"/></svg>';

export default defineConfig({
  title: 'wsgi-edge',
  description,
  lang: 'en',
  srcDir: '../docs',
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  // The owner of the site adds its address here, and VitePress then writes sitemap.xml:
  // sitemap: { hostname: 'https://…' },
  vite: {
    plugins: [
      {
        name: 'packages-of-the-site',
        enforce: 'pre',
        // The pages are outside of the folder that has the packages (https://github.com/vuejs/vitepress/issues/4612).
        resolveId(id, importer, options) {
          if (!/^vue(\/|$)/.test(id) || importer?.startsWith(DOCS) !== true) return null;
          return this.resolve(id, import.meta.filename, { ...options, skipSelf: true });
        },
      },
    ],
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // Links to headings are written for GitHub.
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .trim()
          .replaceAll(' ', '-'),
    },
    config: (md) => md.use(linksOutside, { docs: DOCS, source }).use(emptyHeaders),
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start/flask', activeMatch: '^/start/' },
      { text: 'Guides', link: '/guides/requests-and-responses', activeMatch: '^/guides/' },
      { text: 'Reference', link: '/INTERFACE', activeMatch: '^/[A-Z]' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
    ],
    sidebar: {
      ...Object.fromEntries(referencePaths.map((path) => [path, referenceSidebar])),
      // VitePress takes the first one that matches.
      '/': sidebarOf(guides()),
    },
    outline: [2, 3],
    search: { provider: 'local' },
    ...(source !== undefined && { socialLinks: [{ icon: 'github', link: source, ariaLabel: 'Source' }] }),
  },
  /** Writes llms.txt, the list of the pages, and llms-full.txt, their text (https://llmstxt.org). */
  buildEnd({ outDir }) {
    const lists = groups.map(
      ({ title, pages }) =>
        `## ${title}\n\n${pages.map((page) => `- [${page.title}](/${page.path.replace(/md$/, 'html')})`).join('\n')}\n`,
    );
    writeFileSync(join(outDir, 'llms.txt'), `# wsgi-edge\n\n> ${description}\n\n${lists.join('\n')}`);
    const texts = groups.flatMap(({ pages }) => pages.map(({ path }) => readFileSync(join(DOCS, path), 'utf8')));
    writeFileSync(join(outDir, 'llms-full.txt'), texts.join('\n'));
  },
});
