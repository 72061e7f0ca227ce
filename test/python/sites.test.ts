// The Django and the Flask example in a browser, on Node and on workerd: a person logs in, writes, uploads and edits, the server
// is started again, and the data is still there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildExample, EXAMPLE_PACKAGES } from '../../scripts/python-examples.ts';
import { type Services, startServices } from '../../scripts/services.ts';
import { errorsOf, noBrowser, overflow, startBrowser, violations } from '../browser.ts';
import { notFetched } from './assets.ts';
import { type RunningExample, startExample } from './running-example.ts';

const missing = notFetched(EXAMPLE_PACKAGES, 'the examples in a browser') || noBrowser !== undefined;
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
const ADMIN = {
  DJANGO_SUPERUSER_USERNAME: 'ada',
  DJANGO_SUPERUSER_EMAIL: 'ada@example.org',
  DJANGO_SUPERUSER_PASSWORD: 'correct horse',
};
const TEXT = Buffer.from('some text ☃\n');
const LATEST = '99.1.2';

let browser: Browser;
let services: Services;
const databases: string[] = [];
const running: RunningExample[] = [];
// Stands for the package index.
const index = createServer((request, response) => {
  const known = request.url === '/pypi/flask/json';
  response.writeHead(known ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(known ? { info: { version: LATEST } } : {}));
});
const indexUrl = () => `http://127.0.0.1:${(index.address() as AddressInfo).port}`;

function psql(sql: string): void {
  const on = ['-h', '127.0.0.1', '-p', String(services.postgres), '-U', 'root', '-d', 'postgres'];
  execFileSync('psql', [...on, '-q', '-v', 'ON_ERROR_STOP=1', '-c', sql], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Creates a database of PostgreSQL. Returns the setting that names it. */
function createDatabase(): { DATABASE_URL: string } {
  const name = `wsgi_edge_site_${process.pid}_${databases.length}`;
  psql(`CREATE DATABASE ${name}`);
  databases.push(name);
  return { DATABASE_URL: `postgres://root@127.0.0.1:${services.postgres}/${name}?sslmode=disable` };
}

async function start(...args: Parameters<typeof startExample>): Promise<RunningExample> {
  const started = await startExample(...args);
  running.push(started);
  return started;
}

const stopAll = () => Promise.all(running.splice(0).map(({ stop }) => stop()));

beforeAll(async () => {
  if (missing) return;
  for (const name of ['flask', 'django'] as const) await buildExample(name, () => {});
  services = await startServices();
  await new Promise<void>((resolve) => index.listen(0, '127.0.0.1', resolve));
  browser = await startBrowser();
}, 400_000);
afterEach(stopAll);
afterAll(async () => {
  await browser?.close();
  index.close();
  for (const name of databases) psql(`DROP DATABASE ${name} WITH (FORCE)`);
  services?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Checks a page of the example itself, in a wide and in a narrow window. */
async function isSound(page: Page): Promise<void> {
  expect(await styleOf(page, 'header', 'display')).toBe('flex');
  expect(await violations(page), page.url()).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflow(page), page.url()).toBe(0);
  await page.setViewportSize({ width: 1280, height: 720 });
}

const styleOf = (page: Page, selector: string, property: string): Promise<string> =>
  page
    .locator(selector)
    .first()
    .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);

/** Clicks a link or a button that leads to another page, and waits for its style sheets. */
async function follow(page: Page, role: 'link' | 'button', name: string): Promise<void> {
  await Promise.all([page.waitForEvent('load'), page.getByRole(role, { name, exact: true }).click()]);
}

/** Clicks a link to a file. Returns the file. */
async function download(page: Page, name: string): Promise<Buffer> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()]);
  return readFileSync(await file.path());
}

async function logIn(page: Page): Promise<void> {
  await follow(page, 'link', 'Log in');
  await isSound(page);
  await page.getByLabel('Username').fill('ada');
  await page.getByLabel('Password').fill('correct horse');
  await follow(page, 'button', 'Log in');
  await page.getByText('ada', { exact: true }).waitFor();
}

/** Logs in, puts up a note with a file, and changes it on the page of the site. */
async function useSite(page: Page, origin: string): Promise<void> {
  await page.goto(origin);
  await isSound(page);
  await logIn(page);
  const forged = await page.request.post(`${origin}/notes`, { form: { text: 'forged' } });
  expect(forged.status()).toBe(403);
  await page.getByLabel('Text').fill('first');
  await page.getByLabel('Attachment').setInputFiles({ name: 'größer.txt', mimeType: 'text/plain', buffer: TEXT });
  await follow(page, 'button', 'Put it up');
  await page.getByText('Your note is on the board.').waitFor();
  await isSound(page);
  await follow(page, 'link', 'Change');
  await isSound(page);
  await page.getByLabel('Text').fill('changed on the page');
  await follow(page, 'button', 'Change a note');
  await page.getByText('changed on the page').waitFor();
}

/** Changes the note in the admin, whose style sheets apply. */
async function useAdmin(page: Page): Promise<void> {
  await follow(page, 'link', 'Admin');
  expect(await styleOf(page, '#header', 'display')).toBe('flex');
  expect(await styleOf(page, '#header', 'background-color')).toBe('rgb(65, 118, 144)');
  await follow(page, 'link', 'Notes');
  await follow(page, 'link', 'changed on the page');
  await page.getByLabel('Text').fill('changed in the admin');
  await follow(page, 'button', 'Save');
  await page.getByText('was changed successfully').waitFor();
}

describe.skipIf(missing)('the Django example', () => {
  it.each<[string, string, () => Record<string, string>]>([
    ['node', 'SQLite in a folder', () => ({})],
    ['node', 'PostgreSQL', createDatabase],
    ['cloudflare', 'SQLite in a Durable Object', () => ({})],
  ])('on %s with %s keeps its data over a restart', { timeout: 300_000 }, async (target, database, settings) => {
    const env = { ...ADMIN, ...settings() };
    const state = join(scratch, `django on ${target} ${database}`);
    const context = await browser.newContext();
    const page = await context.newPage();
    const errors = errorsOf(page);
    const { origin, stop } = await start('django', target, state, env);
    await useSite(page, origin);
    await useAdmin(page);
    // Otherwise the browser would tell that it lost the connection over which it asks for the icon.
    await page.goto('about:blank');
    await stop();

    const again = await start('django', target, state, env);
    await page.goto(again.origin);
    await page.getByText('changed in the admin').waitFor();
    await page.getByText('ada', { exact: true }).first().waitFor();
    expect(await download(page, 'größer.txt')).toEqual(TEXT);
    expect(errors).toEqual([]);
    await context.close();
  });

  it('is migrated once if two instances start at the same time', { timeout: 120_000 }, async () => {
    const env = { ...ADMIN, ...createDatabase() };
    const one = await start('django', 'node', join(scratch, 'one of two'), env);
    const two = await start('django', 'node', join(scratch, 'two of two'), env);
    // The first request migrates.
    const answers = await Promise.all([one, two].map(({ origin }) => fetch(origin)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe.skipIf(missing)('the Flask example', () => {
  it.each<[string, string, () => Record<string, string>]>([
    ['node', 'PostgreSQL', createDatabase],
    ['cloudflare', 'D1', () => ({})],
  ])('on %s with %s keeps its data over a restart', { timeout: 300_000 }, async (target, database, settings) => {
    const env = { ...settings(), PACKAGE_INDEX: `${indexUrl()}/pypi` };
    const state = join(scratch, `flask on ${target} ${database}`);
    const context = await browser.newContext();
    const page = await context.newPage();
    const errors = errorsOf(page);
    const { origin, stop } = await start('flask', target, state, env);
    await page.goto(origin);
    await isSound(page);
    for (const label of ['Register', 'Log in']) {
      if (label === 'Register') await follow(page, 'link', label);
      await isSound(page);
      await page.getByLabel('Name').fill('Zoë');
      await page.getByLabel('Password').fill('correct horse');
      await follow(page, 'button', label);
    }
    await page.getByLabel('A note').fill('größer ☃');
    await follow(page, 'button', 'Put it up');
    await page.getByText('Your note is on the board.').waitFor();
    await page.getByLabel('A file').setInputFiles({ name: 'text.txt', mimeType: 'text/plain', buffer: TEXT });
    await follow(page, 'button', 'Store it');
    await isSound(page);
    await follow(page, 'link', 'About this board');
    await page.getByText(`The latest release is Flask ${LATEST}.`).waitFor();
    await isSound(page);
    // Otherwise the browser would tell that it lost the connection over which it asks for the icon.
    await page.goto('about:blank');
    await stop();

    const again = await start('flask', target, state, { ...env, PACKAGE_INDEX: `${indexUrl()}/nothing` });
    await page.goto(again.origin);
    await page.getByText('größer ☃').waitFor();
    await page.getByText('Zoë', { exact: true }).first().waitFor();
    expect(await download(page, 'text.txt')).toEqual(TEXT);
    await page.goto(`${again.origin}/about`);
    await page.getByText('does not tell').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });
});
