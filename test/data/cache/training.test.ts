/** A run on replicas is the same to the last bit, wherever its images come from. */
import { join } from 'node:path';
import t from 'tap';
import { train } from '../../../src/index.js';

t.test('losses and weights do not depend on the cache', async t => {
  const root = t.testdir();
  process.env.GRADRING_CACHE = join(root, 'caches');
  t.teardown(() => delete process.env.GRADRING_CACHE);
  const run = async (cache: 'none' | 'memory' | 'disk', name: string): Promise<unknown> => {
    const { trainLoss, validLoss, accuracy, replicaChecksums } = await train({
      data: 'sample',
      model: 'mlp',
      engine: 'wasm',
      gpus: 'cpu:2',
      epochs: 2,
      limitBatches: 2,
      checkpoint: 0,
      cache,
      out: join(root, name),
    });
    return { trainLoss, validLoss, accuracy, replicaChecksums };
  };
  const plain = await run('none', 'plain');
  t.same(await run('memory', 'memory'), plain);
  t.same(await run('disk', 'disk'), plain);
});
