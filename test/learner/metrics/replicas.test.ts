/** Metrics of a validation set on 1, 2 and 5 replicas: uneven shards, batches smaller than the replicas are many. */
import t from 'tap';
import { MetricsCB } from '../../../src/callbacks/metrics.js';
import { TrainCB } from '../../../src/callbacks/train.js';
import { slotViews } from '../../../src/data/fill/batch-slots.js';
import { Learner } from '../../../src/learner/learner.js';
import { Accuracy, TopK } from '../../../src/learner/metric.js';
import { F1, Precision, Recall } from '../../../src/learner/metrics/class-scores.js';
import { ConfusionMatrix } from '../../../src/learner/metrics/confusion-matrix.js';
import { Mean } from '../../../src/learner/metrics/mean.js';
import { MeanSquaredError } from '../../../src/learner/metrics/mean-squared-error.js';
import { normalize, randomCrop } from '../../../src/nn/transform-specs.js';
import type { Batch } from '../../../src/protocol/batch.js';
import { batchOf, syntheticRing } from '../../fixtures/batches.js';
import { makeCoordinator } from '../../fixtures/coordinators.js';

// As many classes as pixels: the predictions can be compared with the inputs too.
const classes = Array.from({ length: 36 }, (_, index) => `class ${index}`);
/** 43 samples, of 4 classes; 13 are no multiple of 2 or 5, and of the last 4 one of five replicas gets none. */
const sizes = [13, 13, 13, 4];
const transforms = [normalize({ mean: [0.5], std: [0.3] }), randomCrop({ padding: 1 })];

function* batches(): Generator<Batch> {
  const ring = syntheticRing(43);
  let start = 0;
  for (const [index, size] of sizes.entries()) {
    const part = syntheticRing(size);
    const [from, to] = [slotViews(ring.buffers[0], ring.layout), slotViews(part.buffers[0], part.layout)];
    to.pixels.set(from.pixels.subarray(start * 36, (start + size) * 36));
    to.labels.set(from.labels.subarray(start, start + size));
    start += size;
    yield batchOf(part, size, { index, transforms });
  }
}

async function measure(replicas: number) {
  const coordinator = makeCoordinator(replicas, { engine: 'cpu', classes });
  try {
    const matrix = new ConfusionMatrix();
    const metrics = new MetricsCB(new Accuracy(), new Precision(), new Recall(), new F1(), matrix, {
      top2: new TopK(2),
      weighted: new F1({ average: 'weighted' }),
      output: new Mean(),
      distance: new MeanSquaredError({ against: 'inputs' }),
    });
    const loader = {
      length: sizes.length,
      async *[Symbol.asyncIterator]() {
        yield* batches();
      },
    };
    const learn = new Learner(
      coordinator,
      { train: loader, valid: loader },
      { cbs: [new TrainCB(), metrics] },
    );
    await learn.fit(1, { train: false });
    const { seconds: _, imagesPerSecond: __, ...row } = metrics.history[0];
    return { row, matrix: matrix.matrix() };
  } finally {
    await coordinator.close();
  }
}

t.test('the same numbers from 1, 2 and 5 replicas', async t => {
  const [one, two, five] = await Promise.all([1, 2, 5].map(measure));
  t.equal(one.row.samples, 43);
  t.equal(
    one.matrix.flat().reduce((sum, count) => sum + count),
    43,
  );
  t.ok(one.matrix.filter(row => row.some(count => count > 0)).length === 4, 'four classes are targets');
  for (const [replicas, other] of [
    [2, two],
    [5, five],
  ] as const) {
    t.same(other.matrix, one.matrix);
    // Counts and the predictions themselves are the same bits; the loss is a float32 sum of each shard.
    const { loss, ...exact } = other.row;
    const { loss: expected, ...alone } = one.row;
    t.same(exact, alone, `${replicas} replicas`);
    t.ok(Math.abs(loss - expected) < 1e-6 * expected, `loss ${loss}, alone ${expected}`);
  }
  t.ok(Number(one.row.distance) > 0.5 && Number(one.row.output) !== 0, 'there was something to compare');
});
