// The documentation site as it is built, served by this package: every page in a browser, wide and narrow, light and dark, and by
// the keyboard.
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notFound } from 'wsgi-edge/http';
import { staticFiles } from 'wsgi-edge/middleware';
import { serve } from 'wsgi-edge/node';
import { errorsOf, noBrowser, overflow, startBrowser, violations } from './browser.ts';

const run = promisify(execFile);
const SITE = 'site/.vitepress/dist';
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 800 };
const NARROW_AND_DARK = [
  'color-contrast',
  'link-in-text-block',
  'scrollable-region-focusable',
  'target-size',
  'button-name',
  'link-name',
];

let pages: string[] = [];
let server: Server | undefined;
let browser: Browser | undefined;
let origin = '';

beforeAll(async () => {
  await run(process.execPath, ['site/run.ts', 'build']).catch(({ stdout, stderr }) => expect.fail(stdout + stderr));
  pages = globSync('**/*.html', { cwd: SITE }).sort();
  server = (await serve(staticFiles({ folder: SITE })(notFound()), { port: 0 })) as Server;
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (noBrowser === undefined) browser = await startBrowser();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

const read = (path: string): string => readFileSync(join(SITE, path), 'utf8');

it('has a page for each document and each subpath of the package', () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
  const subpaths = Object.keys(exports).filter((path) => path !== './package.json');
  const expected = [
    ...globSync('docs/**/*.md', { exclude: ['docs/api'] }).map((path) => path.replace(/^docs\/|\.md$/g, '')),
    ...subpaths.map((path) => `api/${path.replace('.', 'wsgi-edge')}`),
  ];
  expect(pages).toEqual(expect.arrayContaining(expected.map((path) => `${path}.html`)));
});

it('has every public name in the reference', async () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, { default: string } | string>;
  };
  const missing: string[] = [];
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const page = read(`api/${path.replace('.', 'wsgi-edge')}.html`);
    const names = Object.keys((await import(join(process.cwd(), target.default))) as object);
    missing.push(
      ...names.filter((name) => !page.includes(`<h2 id="${name.toLowerCase()}"`)).map((name) => `${path}: ${name}`),
    );
  }
  expect(missing).toEqual([]);
});

it('has each page in the sidebar and in llms.txt', () => {
  const listed = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, path = '']) => path);
  const named = pages.filter((path) => !/^(404|index|api\/index)\.html$/.test(path));
  expect(listed(read('llms.txt'), /\]\(\/(.+)\)$/gm).sort()).toEqual(named);
  const links = ['start/flask.html', 'HTTP.html'].flatMap((path) => listed(read(path), /href="\/([^"#]+)"/g));
  expect(links).toEqual(expect.arrayContaining(named));
  expect(read('llms-full.txt')).toContain('# Start with Django');
});

it('has links that lead to a page and a heading', () => {
  const idsOf = new Map(
    pages.map((page) => [`/${page}`, new Set(Array.from(read(page).matchAll(/\sid="([^"]+)"/g), ([, id]) => id))]),
  );
  const broken = pages.flatMap((page) =>
    Array.from(read(page).matchAll(/<a [^>]*href="([^"]+)"/g), ([, href = '']) => new URL(href, `http://site/${page}`))
      .filter(({ host }) => host === 'site')
      .filter(({ pathname, hash }) => {
        const ids = idsOf.get(pathname.replace(/\/$/, '/index.html'));
        return ids === undefined || (hash !== '' && !ids.has(decodeURIComponent(hash.slice(1))));
      })
      .map(({ href }) => `${page}: ${href}`),
  );
  expect(broken).toEqual([]);
});

describe.skipIf(noBrowser !== undefined)('in a browser', () => {
  /** Opens a tab, and waits until the scripts of the page have taken over. */
  const open = async (path: string, viewport = WIDE): Promise<Page> => {
    const context = await (browser as Browser).newContext({ viewport, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await go(page, path);
    return page;
  };
  const go = async (page: Page, path: string) => {
    await page.goto(`${origin}/${path}`);
    await page.waitForFunction(() => '__vue_app__' in (document.getElementById('app') as HTMLElement));
  };

  /** The faults of a page: wide and light, then narrow and dark, where only the rules about layout and colours can differ. */
  const faultsOf = async (page: Page, path: string): Promise<string[]> => {
    // The examples of the reference have the colours of all others, and are half of the elements of the site.
    const exclude = path.startsWith('api/') ? ['.shiki'] : [];
    const faults: string[] = [];
    const checkWidth = async (width: number) => {
      const pixels = await overflow(page);
      if (pixels > 0) faults.push(`${pixels} pixels wider than the window of ${width}`);
    };
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(WIDE);
    await go(page, path);
    await checkWidth(WIDE.width);
    faults.push(...(await violations(page, undefined, exclude)));
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize(NARROW);
    await page.waitForSelector('html.dark');
    await checkWidth(NARROW.width);
    faults.push(...(await violations(page, NARROW_AND_DARK, exclude)));
    return faults.map((fault) => `${path}: ${fault}`);
  };

  it('shows every page without errors, overflow and barriers', { timeout: 900_000 }, async () => {
    const faults: string[] = [];
    const queue = [...pages];
    const visit = async () => {
      const page = await open('');
      const errors = errorsOf(page);
      for (let path = queue.shift(); path !== undefined; path = queue.shift())
        faults.push(...(await faultsOf(page, path)));
      faults.push(...errors);
      await page.context().close();
    };
    await Promise.all([visit(), visit()]);
    expect(faults).toEqual([]);
  });

  it('can be used by the keyboard', { timeout: 60_000 }, async () => {
    const page = await open('start/flask.html');
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toBe('#VPContent');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('main, #VPContent') !== null)).toBe(true);

    await page.keyboard.press('Control+k');
    await page.waitForSelector('.search-input:focus');
    await page.keyboard.type('server-sent events');
    await page.waitForSelector('.results a:has-text("Streaming and server-sent events")');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${origin}/guides/streaming.html*`);
    await page.context().close();
  });

  it('has a menu on a narrow screen', { timeout: 60_000 }, async () => {
    const page = await open('guides/testing.html', NARROW);
    for (const selector of ['.VPLocalNav button.menu', '.VPNavBarHamburger']) {
      await page.focus(selector);
      await page.keyboard.press('Enter');
      expect(await page.getAttribute(selector, 'aria-expanded')).toBe('true');
      expect(await violations(page)).toEqual([]);
      if (selector.endsWith('menu')) await page.keyboard.press('Escape');
    }
    await page.click('.VPNavScreen a:has-text("API")');
    await page.waitForURL(`${origin}/api/*`);
    await page.context().close();
  });
});
