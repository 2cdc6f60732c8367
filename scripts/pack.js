#!/usr/bin/env node
'use strict';
// CommonJS on purpose, as train.js: libuv's thread pool, which sharp decodes in, is sized when first used.
const { availableParallelism } = require('node:os');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism()));

const command = join(__dirname, '..', 'dist', 'cli', 'pack.js');
if (existsSync(command)) {
  void import(pathToFileURL(command).href).then(({ main }) => main(process.argv.slice(2)));
} else {
  process.stderr.write(
    '✖ gradring is not built yet\n  → run `npm install` (it builds), or `npm run build`\n',
  );
  process.exitCode = 2;
}
