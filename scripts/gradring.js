#!/usr/bin/env node
'use strict';
// CommonJS on purpose, as launch.js: each command sizes libuv's thread pool before anything uses it, so it must be
// reached without waiting.
const { join } = require('node:path');

/** Of each command: its script, and what it does. */
const commands = {
  train: ['train.js', 'train a model on one device or several'],
  pack: ['pack.js', 'write a dataset into packs, which are read faster'],
  profile: ['profile.js', 'measure what holds a training up'],
  doctor: ['doctor.js', 'look for what is missing on this machine'],
};

const [name, ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
if (command !== undefined) {
  const script = join(__dirname, command[0]);
  process.argv = [process.argv[0], script, ...rest];
  require(script);
} else {
  const lines = Object.entries(commands).map(([each, [, what]]) => `  ${each.padEnd(9)} ${what}`);
  const help = [
    'Usage: gradring <command> [options]',
    '',
    ...lines,
    '',
    'More: gradring <command> --help',
    '',
  ].join('\n');
  const asked = name === '--help' || name === '-h';
  if (asked) process.stdout.write(help);
  else process.stderr.write(name === undefined ? help : `✖ there is no command ${name}\n\n${help}`);
  process.exitCode = asked ? 0 : 2;
}
