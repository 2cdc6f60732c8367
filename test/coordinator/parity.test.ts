/** What N replicas compute is what one replica computes. */
import t from 'tap';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import { models } from '../../src/models/catalog.js';
import { normalize } from '../../src/nn/transform-specs.js';
import type { Batch } from '../../src/protocol/batch.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSettings, sgdSpec, weightsOf } from '../fixtures/coordinators.js';

/**
 * The gradient of a batch, read off a step of SGD with rate 8. A second step with −8 takes the first one back. Both
 * round weights of about 0.2 to float32: an error of some 1e-8 in gradients of about 1e-2.
 */
async function gradientOf(coordinator: Coordinator, batch: Batch): Promise<Float64Array> {
  const before = await weightsOf(coordinator);
  await coordinator.predict(batch, { training: true });
  const { loss } = await coordinator.getLoss();
  if (loss.count !== batch.size) throw new Error(`${loss.count} samples counted, not ${batch.size}`);
  await coordinator.backward();
  await coordinator.step(sgdSettings(8));
  const after = await weightsOf(coordinator);
  await coordinator.step(sgdSettings(-8));
  await coordinator.zeroGrad();
  return Float64Array.from(before, (value, i) => (value - after[i]) / 8);
}

function relativeDifference(a: Float64Array, b: Float64Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

t.test('uneven batches: each sample counts once, the gradient is that of one replica', async t => {
  const coordinators = [1, 2, 3, 4].map(replicas => makeCoordinator(replicas, { verify: 'off' }));
  t.teardown(() => Promise.all(coordinators.map(coordinator => coordinator.close())));
  for (const coordinator of coordinators) {
    await coordinator.open();
    await coordinator.setOptimizer(sgdSpec(coordinator));
  }
  const ring = syntheticRing(50);
  let worst = 0;
  for (let size = 1; size <= 50; size++) {
    const batch = batchOf(ring, size, { transforms: [normalize({ mean: [0.5], std: [0.3] })] });
    const [alone, ...together] = await Promise.all(coordinators.map(c => gradientOf(c, batch)));
    for (const gradient of together) worst = Math.max(worst, relativeDifference(gradient, alone));
  }
  // The rounding of the weights, above, and float32 sums in another order.
  t.ok(worst < 1e-5, `worst relative difference ${worst}`);
});

t.test('the five steps one by one leave the same bits as the fused step', async t => {
  const [fused, single] = [makeCoordinator(3), makeCoordinator(3)];
  t.teardown(() => Promise.all([fused.close(), single.close()]));
  const ring = syntheticRing(10);
  for (const coordinator of [fused, single]) {
    await coordinator.open();
    await coordinator.setOptimizer(sgdSpec(coordinator));
  }
  for (const size of [10, 7, 2]) {
    const batch = batchOf(ring, size);
    const report = await fused.trainBatch(batch, sgdSettings(0.5), { predictions: true });
    const predictions = await single.predict(batch, { training: true, predictions: true });
    t.strictSame(predictions?.shape, [size, 4]);
    t.strictSame(Array.from(predictions?.data ?? []), Array.from(report.predictions?.data ?? []));
    t.strictSame((await single.getLoss()).loss, report.loss);
    await single.backward();
    await single.step(sgdSettings(0.5));
    await single.zeroGrad();
  }
  t.strictSame(await single.checksums(), await fused.checksums());
});

t.test('gradients add up until zeroGrad, which can keep a share of them', async t => {
  const [twice, kept] = [makeCoordinator(2), makeCoordinator(2)];
  t.teardown(() => Promise.all([twice.close(), kept.close()]));
  const batch = batchOf(syntheticRing(8), 8);
  const start: Float32Array[] = [];
  for (const coordinator of [twice, kept]) {
    await coordinator.open();
    await coordinator.setOptimizer(sgdSpec(coordinator));
    start.push(await weightsOf(coordinator));
    for (const factor of coordinator === twice ? [1, 1] : [0.5, 1]) {
      await coordinator.predict(batch, { training: true });
      await coordinator.getLoss();
      await coordinator.backward();
      await coordinator.zeroGrad(factor);
    }
    await coordinator.step(sgdSettings(64));
  }
  const [two, oneAndHalf] = await Promise.all([weightsOf(twice), weightsOf(kept)]);
  const moved = (to: Float32Array, from: Float32Array) =>
    Float64Array.from(to, (value, i) => value - from[i]);
  const expected = moved(two, start[0]).map(value => value * 0.75);
  t.ok(relativeDifference(moved(oneAndHalf, start[1]), expected) < 1e-6, '1.5 gradients are ¾ of 2');
});

t.test('batch norm: replicas agree in the moving statistics too, whatever their shares', async t => {
  const resnet = { ...models.resnet, options: { filters: [4, 8] } };
  const coordinator = makeCoordinator(3, { recipe: resnet, verify: 'step' });
  t.teardown(() => coordinator.close());
  await coordinator.open();
  await coordinator.setOptimizer(sgdSpec(coordinator));
  const ring = syntheticRing(12);
  const before = await weightsOf(coordinator);
  // 2 samples over 3 replicas: the third one has none, and still ends with the same statistics.
  for (const size of [12, 5, 2]) await coordinator.trainBatch(batchOf(ring, size), sgdSettings(0.1));
  const [first, ...others] = await coordinator.checksums();
  t.ok(others.every(checksum => checksum === first));
  t.notSame(await weightsOf(coordinator), before, 'something was learnt');
});

t.test('batch norm: the moving mean is that of the whole batch, however uneven the shards', async t => {
  const resnet = { ...models.resnet, options: { filters: [4, 8] } };
  const firstMovingMean = async (replicas: number): Promise<Float32Array> => {
    const coordinator = makeCoordinator(replicas, { recipe: resnet });
    try {
      await coordinator.open();
      await coordinator.setOptimizer(sgdSpec(coordinator));
      const transforms = [normalize({ mean: [0.5], std: [0.3] })];
      await coordinator.trainBatch(batchOf(syntheticRing(7), 7, { transforms }), sgdSettings(0));
      const { weightSpecs, weightData } = await coordinator.model();
      let offset = 0;
      for (const { name, shape } of weightSpecs) {
        const size = shape.reduce((n, d) => n * d, 1);
        if (name.includes('moving_mean'))
          return new Float32Array(weightData.slice(offset, offset + 4 * size).buffer);
        offset += 4 * size;
      }
      throw new Error('no moving mean');
    } finally {
      await coordinator.close();
    }
  };
  // A mean is linear: shards of 3, 2 and 2 samples, weighted so, give the mean over all 7. A variance is not.
  const [alone, together] = [await firstMovingMean(1), await firstMovingMean(3)];
  const worst = Math.max(...alone.map((value, i) => Math.abs(value - together[i])));
  t.ok(worst < 1e-6 && alone.some(value => Math.abs(value) > 1e-3), `worst difference ${worst}`);
});

t.test('batch norm: a batch cancelled after its forward pass leaves no trace in any replica', async t => {
  const recipe = { ...models.resnet, options: { filters: [4, 8] } };
  const [cancelled, never] = [makeCoordinator(2, { recipe }), makeCoordinator(2, { recipe })];
  t.teardown(() => Promise.all([cancelled.close(), never.close()]));
  const ring = syntheticRing(9);
  for (const coordinator of [cancelled, never]) {
    await coordinator.open();
    await coordinator.setOptimizer(sgdSpec(coordinator));
    await coordinator.trainBatch(batchOf(ring, 9), sgdSettings(0.1));
  }
  await cancelled.predict(batchOf(ring, 7), { training: true });
  await cancelled.getLoss();
  await cancelled.validBatch(batchOf(ring, 9));
  t.strictSame(await cancelled.verifyReplicas(), await never.verifyReplicas());
});
