/** Inputs that once did harm, by the harm they did: read again, each in a process that is watched. */
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { runTarget } from './run-target.js';

/** File in `found/`, the target it is of, and what it did. */
const inputs = [
  ['parquet-rejection', 'Parquet', 'a promise of the reader was rejected, which ended the process'],
  ['parquet-endless-column', 'Parquet', 'a page without a count of rows was read for ever'],
  ['png-3670025-wide', 'PNG, resized', 'a file of 448 bytes took 2.4 GB and 7 s'],
] as const;

t.jobs = 2;
for (const [file, target, harm] of inputs) {
  t.test(harm, { buffered: true }, async t => {
    const result = await runTarget({
      target,
      module: new URL('./targets.js', import.meta.url).href,
      seed: 0,
      count: 1,
      input: join(packageRoot(), 'test/fuzz/found', `${file}.bin`),
      failures: t.testdir(),
    });
    t.same(result.faults, []);
    t.equal(result.refused, 1, 'it is refused');
    t.ok(result.growth < 128, `the process grew by ${result.growth} MiB`);
  });
}
