// The folder for the assets: a build deletes only files that a build wrote.
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Part, RECORD, replaceFiles } from '../../python/builder/out-folder.js';

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let project = '';
let count = 0;
beforeEach(() => {
  project = join(scratch, `project${++count}`);
  put({ '.git/HEAD': 'ref: refs/heads/main', 'site/app.py': 'def app(*_): pass', 'notes.txt': 'mine' });
});

function put(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
}

const list = (folder: string) => readdirSync(join(project, folder)).sort();
const OLD: Part[] = [
  ['manifest.mjs', 'old'],
  ['old.bin', 'old'],
];
const NEW: Part[] = [
  ['manifest.mjs', 'new'],
  ['new.bin', 'new'],
];

describe('the folder for the assets', () => {
  it.each([
    ['.', 'is the working folder'],
    ['..', 'contains the working folder'],
    ['site', 'is the folder of the application'],
    ['link', 'is the working folder'],
    ['notes.txt', 'is a file'],
    ['nowhere', 'is a link to nothing'],
    ['mine', 'holds files that no build wrote: .env, a.py, b.py and 1 more'],
  ])('is refused, and loses nothing, when it is %s', async (out, reason) => {
    symlinkSync('.', join(project, 'link'));
    symlinkSync('missing', join(project, 'nowhere'));
    put({ 'mine/.env': '', 'mine/a.py': '', 'mine/b.py': '', 'mine/c.py': '' });
    const before = readdirSync(project, { recursive: true });
    const command = [resolve('dist/command/index.js'), 'build-python', 'site/app.py:app', '--out', out];
    const failed = await run(process.execPath, command, { cwd: project }).catch((error) => error);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining(reason)]);
    expect(readdirSync(project, { recursive: true })).toEqual(before);
  });

  it('loses only the files of the build before', () => {
    const out = join(project, 'assets');
    replaceFiles(out, OLD);
    replaceFiles(out, NEW);
    expect(list('assets')).toEqual(['manifest.mjs', 'new.bin', RECORD]);
    put({ 'assets/worker.ts': 'mine' });
    expect(() => replaceFiles(out, OLD)).toThrow('holds files that no build wrote: worker.ts');
    expect(list('assets')).toEqual(['manifest.mjs', 'new.bin', 'worker.ts', RECORD]);
  });

  it('loses only the files of the build before in its folders, too', () => {
    const out = join(project, 'assets');
    replaceFiles(out, [...OLD, ['public/static/a b.css', 'old', 1_700_000_000]]);
    expect(statSync(join(out, 'public/static/a b.css')).mtimeMs).toBe(1_700_000_000_000);
    replaceFiles(out, NEW);
    expect(list('assets')).toEqual(['manifest.mjs', 'new.bin', RECORD]);
    replaceFiles(out, [['public/a.css', 'old']]);
    put({ 'assets/public/robots.txt': 'mine' });
    expect(() => replaceFiles(out, NEW)).toThrow('holds files that no build wrote: public/robots.txt');
    rmSync(join(out, 'public/robots.txt'));
    // A link is not one of the files that the list has, whatever it leads to.
    symlinkSync('../../site', join(out, 'public/site'));
    put({ [`assets/${RECORD}`]: JSON.stringify({ files: ['public/a.css', 'public/site/app.py'] }) });
    expect(() => replaceFiles(out, NEW)).toThrow('holds files that no build wrote: public/site');
    expect(existsSync(join(project, 'site/app.py'))).toBe(true);
  });

  it('is cleared of a build that was interrupted', () => {
    const out = join(project, 'assets');
    replaceFiles(out, OLD);
    const interrupted: Part[] = [['half.bin', 'half'], ['never.bin', undefined as unknown as string], ...NEW];
    expect(() => replaceFiles(out, interrupted)).toThrow(TypeError);
    expect(list('assets')).toEqual(['half.bin', RECORD]);
    replaceFiles(out, NEW);
    expect(list('assets')).toEqual(['manifest.mjs', 'new.bin', RECORD]);
  });

  it('keeps the files that a forged list or a link leads to', () => {
    const out = join(project, 'assets');
    put({ [`assets/${RECORD}`]: JSON.stringify({ files: ['../notes.txt', '..', 'new.bin'] }) });
    symlinkSync('../notes.txt', join(out, 'new.bin'));
    replaceFiles(out, NEW);
    expect(readFileSync(join(project, 'notes.txt'), 'utf8')).toBe('mine');
    expect(existsSync(join(project, 'site/app.py'))).toBe(true);
    put({ [`assets/${RECORD}`]: 'not JSON' });
    expect(() => replaceFiles(out, NEW)).toThrow('is not the list of files that a build wrote: delete it');
  });
});
