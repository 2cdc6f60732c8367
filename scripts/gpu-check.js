#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const command = join(__dirname, '..', '.build', 'test', 'gpu', 'run.js');
if (existsSync(command)) {
  void import(pathToFileURL(command).href);
} else {
  process.stderr.write('✖ the checks are not compiled yet\n  → npx tsc -p tsconfig.all.json\n');
  process.exitCode = 2;
}
