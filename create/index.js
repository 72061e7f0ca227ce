#!/usr/bin/env node
// `npm create wsgi-edge my-site -- --flask` runs `wsgi-edge init my-site --flask`.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const manifest = require.resolve('wsgi-edge/package.json');
process.argv.splice(2, 0, 'init');
await import(pathToFileURL(join(dirname(manifest), require('wsgi-edge/package.json').bin['wsgi-edge'])).href);
