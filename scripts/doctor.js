#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const command = join(__dirname, '..', 'dist', 'cli', 'doctor.js');
if (existsSync(command)) {
  void import(pathToFileURL(command).href).then(({ main }) => main());
} else {
  process.stderr.write(
    '✖ gradring is not built yet\n  → run `npm install` (it builds), or `npm run build`\n',
  );
  process.exitCode = 2;
}
