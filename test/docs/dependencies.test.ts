/** docs/dependencies.md gives a reason for each package of package.json, and for no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { packageRoot } from '../../src/package-root.js';

const page = readFileSync(join(packageRoot(), 'docs', 'dependencies.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));

const chapters = {
  Dependencies: 'dependencies',
  'Development dependencies': 'devDependencies',
  'Optional peers': 'peerDependencies',
} as const;

for (const [heading, field] of Object.entries(chapters)) {
  test(field, t => {
    const [, chapter = ''] = page.split(`\n## ${heading}\n`);
    const [table] = chapter.split('\n## ');
    const rows = [...table.matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \|$/gm)];
    t.same(rows.map(([, name]) => name).sort(), Object.keys(manifest[field]).sort());
    t.end();
  });
}
