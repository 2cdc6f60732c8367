/** docs/configuration.md is what its script makes of the schema as it is now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';
import { allFlags } from '../../src/cli/flags.js';
import { packageRoot } from '../../src/package-root.js';
import { configSchema } from '../../src/run/config.js';

test('the page is up to date', async t => {
  const script = join(packageRoot(), 'scripts', 'make-configuration.mjs');
  const { configurationPage } = await import(pathToFileURL(script).href);
  const page = readFileSync(join(packageRoot(), 'docs', 'configuration.md'), 'utf8');
  t.equal(
    page,
    configurationPage(configSchema, allFlags()),
    'npm run build && node scripts/make-configuration.mjs',
  );
});

test('each flag the page names is one of the program', t => {
  const page = readFileSync(join(packageRoot(), 'docs', 'configuration.md'), 'utf8');
  const named = [...page.matchAll(/^\|.*?`--([a-z0-9-]+)/gm)].map(([, name]) => name);
  t.same(named.sort(), Object.keys(allFlags()).sort());
  t.end();
});
