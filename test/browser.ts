// Chromium of the machine (Debian's package `chromium`), driven by Playwright, which downloads no browser of its own.
import { existsSync } from 'node:fs';
import axe, { type RunOptions } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

if (PROGRAM === undefined && process.env.CI) throw new Error('CI needs a browser: apt-get install chromium');

/** Why the tests in a browser can't run, or undefined if they can. */
export const noBrowser: string | undefined =
  PROGRAM === undefined ? 'Chromium is not installed (apt-get install chromium)' : undefined;
if (noBrowser !== undefined) console.log(`Tests in a browser are skipped: ${noBrowser}`);

/** Starts Chromium without a window; the caller closes it. */
export function startBrowser(): Promise<Browser> {
  if (PROGRAM === undefined) throw new Error(noBrowser);
  // Chromium refuses to run as root with its sandbox.
  return chromium.launch({ executablePath: PROGRAM, chromiumSandbox: process.getuid?.() !== 0 });
}

/** Collects what the page writes to its console as an error, and errors that its scripts throw. */
export function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`));
  return errors;
}

/** The rules of accessibility that the page violates, with the elements, as axe-core finds them.
 *  @param rules  the rules that are checked; all by default
 *  @param exclude  selectors of parts that are not checked */
export async function violations(page: Page, rules?: string[], exclude: string[] = []): Promise<string[]> {
  const options: RunOptions = { resultTypes: ['violations'], preload: false };
  if (rules !== undefined) options.runOnly = rules;
  // The source has half a megabyte, and stays in the page.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(
    ({ options, exclude }) =>
      (globalThis as unknown as { axe: typeof axe }).axe
        .run({ include: ['html'], exclude }, options)
        .then((result) =>
          result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
        ),
    { options, exclude },
  );
}

/** How many pixels the page is wider than its window: 0 if nothing overflows. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
