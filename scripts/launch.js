'use strict';
// CommonJS on purpose: libuv's thread pool, which sharp decodes in, is sized when it is first used. In an ES module
// that is before its first line can run.
const { availableParallelism } = require('node:os');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

/** Runs a command of `dist/cli/` with what follows the script on the command line. */
module.exports = function launch(name) {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism()));
  // LibTorch's threads otherwise spin while they wait for one another, and hold up whoever needs the core.
  process.env.OMP_WAIT_POLICY ??= 'passive';
  const command = join(__dirname, '..', 'dist', 'cli', `${name}.js`);
  if (existsSync(command)) {
    void import(pathToFileURL(command).href).then(({ main }) => main(process.argv.slice(2)));
    return;
  }
  process.stderr.write(
    '✖ gradring is not built yet\n  → run `npm install` (it builds), or `npm run build`\n',
  );
  process.exitCode = 2;
};
