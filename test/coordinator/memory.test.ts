import t from 'tap';
import { models } from '../../src/models/catalog.js';
import { horizontalFlip, normalize, randomCrop } from '../../src/nn/transform-specs.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSettings, sgdSpec } from '../fixtures/coordinators.js';

t.test('1,000 steps: not one tensor more, and no more memory after warm-up', async t => {
  const resnet = { ...models.resnet, options: { filters: [4, 8] } };
  const coordinator = makeCoordinator(2, { recipe: resnet, verify: 'off' });
  t.teardown(() => coordinator.close());
  await coordinator.open();
  await coordinator.setOptimizer(sgdSpec(coordinator));
  const ring = syntheticRing(12);
  const transforms = [randomCrop({ padding: 1 }), horizontalFlip(), normalize({ mean: [0.5], std: [0.3] })];
  const steps = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const size = 12 - (index % 3);
      await coordinator.trainBatch(batchOf(ring, size, { index, transforms }), sgdSettings(0.01));
      if (index % 10 === 0) await coordinator.validBatch(batchOf(ring, 12), { predictions: true });
    }
  };
  await steps(300);
  const before = { rss: process.memoryUsage.rss(), replicas: await coordinator.memory() };
  await steps(1000);
  const after = { rss: process.memoryUsage.rss(), replicas: await coordinator.memory() };
  t.strictSame(after.replicas, before.replicas);
  const growth = after.rss / before.rss - 1;
  t.ok(growth < 0.05, `RSS grew by ${(growth * 100).toFixed(1)} % of ${Math.round(before.rss / 1e6)} MB`);
});
