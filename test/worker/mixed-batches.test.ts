/** Mixed batches on the way from the slot to the gradient: by hand, by differences, and cut into shards. */
import t from 'tap';
import { createSlots, slotViews } from '../../src/data/fill/batch-slots.js';
import { openEngine } from '../../src/engine/registry.js';
import { models } from '../../src/models/catalog.js';
import { drawMix } from '../../src/nn/mix.js';
import { horizontalFlip, normalize, randomCrop } from '../../src/nn/transform-specs.js';
import type { MixSpec } from '../../src/protocol/batch.js';
import type { Shard } from '../../src/protocol/messages.js';
import { loadRecipe } from '../../src/worker/load-recipe.js';
import { ShardReader } from '../../src/worker/shard-reader.js';
import { TrainingStep } from '../../src/worker/training-step.js';
import { classes, imageShape, syntheticRing } from '../fixtures/batches.js';

const engine = await openEngine('wasm', 'wasm:0', {
  threads: 1,
  precision: 'fp32',
  tf32: false,
  deterministic: false,
  fuse: true,
  cudaGraph: false,
});
const { tf } = engine;
const [size, seed] = [7, 5];
const ring = syntheticRing(size);
const perItem = true;
const transforms = [
  randomCrop({ padding: 1, perItem }),
  horizontalFlip({ perItem }),
  normalize({ mean: 0.5, std: 0.3 }),
];
const context = { imageShape, classes, seed, options: { hidden: 5 } };
const loaded = await loadRecipe(tf, models.mlp, context, { name: 'crossEntropy', labelSmoothing: 0.1 });
const reader = new ShardReader(engine, loaded.recipe, { seed, classes: classes.length });
reader.attach({ share: 'slots', ring: 0, layout: ring.layout, buffers: ring.buffers });

const shard = (mix: MixSpec | undefined, offset = 0, count = size): Shard => ({
  ring: 0,
  slot: 0,
  offset,
  count,
  size,
  epoch: 1,
  index: 3,
  transforms,
  ...(mix && { mix }),
});

/** Inputs and both labels of a shard, as numbers. */
function read(of: Shard, training = true) {
  const { inputs, targets, mixed, dispose } = reader.read(of, training);
  const [values, own, others] = [inputs, targets, mixed?.targets].map(x => (x ? [...x.dataSync()] : []));
  dispose();
  return { values, own, others, share: mixed?.share };
}

const kinds: MixSpec[] = [
  { kind: 'mixup', alpha: 0.4 },
  { kind: 'cutmix', alpha: 1 },
];

for (const mix of kinds) {
  t.test(`${mix.kind}: each image is mixed with its partner, both transformed as they are alone`, async t => {
    const draw = drawMix(mix, { seed, epoch: 1, index: 3 }, size, imageShape);
    const [plain, mixed] = [read(shard(undefined)), read(shard(mix))];
    t.same(mixed.own, plain.own);
    t.same(
      mixed.others,
      [...draw.partners].map(place => plain.own[place]),
    );
    t.equal(mixed.share, draw.share);
    t.ok(draw.share > 0.02 && draw.share < 0.98, 'something to see');
    const pixels = 36;
    for (const [at, value] of mixed.values.entries()) {
      const [image, pixel] = [Math.trunc(at / pixels), at % pixels];
      const [own, other] = [plain.values[at], plain.values[draw.partners[image] * pixels + pixel]];
      const { box } = draw;
      const [y, x] = [Math.trunc(pixel / 6), pixel % 6];
      const inBox =
        box && y >= box.top && y < box.top + box.height && x >= box.left && x < box.left + box.width;
      const expected = box ? (inBox ? other : own) : draw.share * own + (1 - draw.share) * other;
      if (Math.abs(value - expected) > 1e-6) t.fail(`image ${image}, pixel ${pixel}: ${value}`);
    }
  });

  t.test(`${mix.kind}: three shards are bit for bit the whole batch`, async t => {
    const whole = read(shard(mix));
    const parts = [
      [0, 3],
      [3, 2],
      [5, 2],
    ].map(([offset, count]) => read(shard(mix, offset, count)));
    t.same(
      parts.flatMap(({ values }) => values),
      whole.values,
    );
    t.same(
      parts.flatMap(({ others }) => others),
      whole.others,
    );
    t.ok(parts.every(({ share }) => share === whole.share));
  });

  t.test(
    `${mix.kind}: the loss is that of both labels, and its gradient the difference quotient`,
    async t => {
      const tensors = new TrainingStep(engine, loaded);
      t.teardown(() => tensors.end());
      const lossAt = async (training: boolean) => {
        const predictions = tensors.predict(shard(mix), reader.read(shard(mix), true), training);
        const values = [...predictions.dataSync()];
        const { loss } = await tensors.loss();
        return { values, loss: loss.sum / loss.count };
      };
      const { values, loss } = await lossAt(true);
      const gradients: number[][] = [];
      const variables = loaded.model.trainableWeights;
      tensors.backward(
        variables.map(variable => variable.read()),
        (index, gradient) => {
          gradients[index] = [...(gradient?.dataSync() ?? [])];
        },
      );
      const { own, others, share } = read(shard(mix));
      const log = (row: number) => {
        const scores = values.slice(4 * row, 4 * row + 4);
        const sum = Math.log(scores.reduce((total, score) => total + Math.exp(score), 0));
        return scores.map(score => score - sum);
      };
      const smoothed = (row: number, label: number) =>
        log(row).reduce((total, value, c) => total - value * (0.025 + (c === label ? 0.9 : 0)), 0);
      const expected = own.reduce(
        (sum, label, row) => sum + share! * smoothed(row, label) + (1 - share!) * smoothed(row, others[row]),
        0,
      );
      t.ok(Math.abs(loss - expected / size) < 1e-5, `${loss}, not ${expected / size}`);
      for (const [index, variable] of variables.entries()) {
        const start = variable.read().dataSync().slice();
        const shape = variable.shape as number[];
        for (const i of [0, start.length - 1]) {
          const at = async (step: number) => {
            variable.write(tf.tensor(start.with(i, start[i] + step), shape));
            return (await lossAt(false)).loss;
          };
          const quotient = ((await at(0.01)) - (await at(-0.01))) / 0.02;
          variable.write(tf.tensor(start, shape));
          const off = Math.abs(quotient - gradients[index][i]);
          t.ok(
            off < 2e-3 + 0.01 * Math.abs(quotient),
            `${variable.name}[${i}]: ${gradients[index][i]}, not ${quotient}`,
          );
        }
      }
    },
  );
}

t.test('only training mixes; without a leak', async t => {
  const { numTensors } = tf.memory();
  t.same(read(shard(kinds[0]), false), read(shard(undefined)));
  t.not(`${read(shard(kinds[0])).values}`, `${read(shard(undefined)).values}`);
  t.equal(tf.memory().numTensors, numTensors);
});

t.test('labels of partners are checked too', async t => {
  const bad = createSlots(ring.layout, 1);
  new Uint8Array(bad.buffers[0]).set(new Uint8Array(ring.buffers[0]));
  slotViews(bad.buffers[0], bad.layout).labels[6] = 9;
  const other = new ShardReader(engine, loaded.recipe, { seed, classes: classes.length });
  other.attach({ share: 'slots', ring: 0, layout: bad.layout, buffers: bad.buffers });
  t.throws(() => other.read(shard(undefined), true), { code: 'E_SAMPLE', message: /sample 6 has label 9/ });
  const { partners } = drawMix(kinds[0], { seed, epoch: 1, index: 3 }, size, imageShape);
  const place = partners.indexOf(6);
  t.throws(() => other.read(shard(kinds[0], place, 1), true), { code: 'E_SAMPLE' });
});
