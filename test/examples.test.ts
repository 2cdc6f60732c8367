/** Every example is run as its reader would run it; each checks its own result. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { test } from 'tap';
import { packageRoot } from '../src/package-root.js';

// One after the other, on a busy machine.
t.setTimeout(600_000);

const folder = join(packageRoot(), 'examples');
const programs = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  // The service does not end by itself: test/service starts it.
  .filter(name => name.endsWith('.mjs') && !name.endsWith('recipe.mjs') && !name.startsWith('service/'))
  .sort();

for (const program of programs) {
  test(program, t => {
    const runs = t.testdir({ first: {}, second: {} });
    const result = spawnSync(
      process.execPath,
      [join(folder, program), join(runs, 'first'), join(runs, 'second')],
      { cwd: packageRoot(), encoding: 'utf8', timeout: 90_000 },
    );
    t.equal(result.stderr, '', 'nothing on stderr');
    t.equal(result.status, 0, 'it found its own result good');
    t.end();
  });
}

test('the list of examples is complete', t => {
  const listed = readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^node examples\/(\S+)/gm);
  t.same([...listed].map(([, name]) => name).sort(), programs);
  t.end();
});
