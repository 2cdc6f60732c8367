/** Hooks on one replica's model: what they see, what they replace, and that they leave no trace. */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import t from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import type { Tf } from '../../src/engine/tf.js';
import { histogramRange, stats } from '../../src/inspect/hook-functions.js';
import { installFusedLayers } from '../../src/nn/fused-layers.js';
import { backward, recordForward } from '../../src/nn/tape.js';
import type { HookSpec, HookValue } from '../../src/protocol/hooks.js';
import { LayerHooks } from '../../src/worker/hooks.js';
import type { HookFunction } from '../../src/worker/recipe.js';
import recipe from '../fixtures/hooks-recipe.js';

const { tf } = await openEngine('wasm', 'wasm:0');
installFusedLayers();

const context = { imageShape: [5, 5, 1] as const, classes: ['a', 'b', 'c'], seed: 1, options: {} };
const makeModel = () => recipe.model(tf, context) as LayersModel;
const spec = (fn: string, layer: string, more: Partial<HookSpec> = {}): HookSpec => ({
  id: 1,
  layers: [layer],
  kind: 'forward',
  fn,
  onTrain: true,
  onValid: true,
  ...more,
});

interface Step {
  readonly reports: Awaited<ReturnType<LayerHooks['take']>>;
  readonly loss: number;
  readonly gradients: Float32Array[];
}

/** Forward and backward pass of half the sum of squared outputs, in batch mean. */
async function step(model: LayersModel, hooks: LayerHooks, x: Tensor): Promise<Step> {
  hooks.begin(true);
  const { value, tape } = recordForward(tf, () => {
    const y = model.apply(x, { training: true }) as Tensor;
    return tf.mul(tf.sum(tf.square(y)), 0.5 / x.shape[0]) as Scalar;
  });
  const gradients: Float32Array[] = [];
  const variables = model.trainableWeights.map(weight => weight.read());
  backward(tape, value, variables, (index, gradient) => {
    gradients[index] = Float32Array.from(gradient.dataSync<'float32'>());
  });
  const [loss] = value.dataSync();
  value.dispose();
  return { reports: await hooks.take(), loss, gradients };
}

const hooksOf = (model: LayersModel, own = recipe.hooks as Record<string, HookFunction>) =>
  new LayerHooks(tf as Tf, model, own);

t.test('a layer used twice is seen at each use, and hooks change nothing', async t => {
  const model = makeModel();
  const hooks = hooksOf(model);
  const x = tf.randomNormal([4, 5, 5, 1], 0, 1, 'float32', 1);
  const plain = await step(model, hooks, x);
  t.equal(plain.reports, undefined);
  const before = tf.memory().numTensors;
  t.equal(
    hooks.set([
      spec('capture', 'shared'),
      spec('stats', 'head', { id: 2, options: { ...histogramRange() } }),
    ]),
    true,
  );
  const seen = await step(model, hooks, x);
  t.same(seen.gradients, plain.gradients);
  t.equal(seen.loss, plain.loss);
  t.same(
    seen.reports?.map(({ hook, layer, use }) => [hook, layer, use]),
    [
      [1, 'shared', 0],
      [1, 'shared', 1],
      [2, 'head', 0],
    ],
  );
  const [first, second] = seen.reports!.map(({ value }) => value);
  t.same(first.shape, [4, 5, 5, 16]);
  t.notSame(first.data, second.data);
  hooks.clear();
  t.equal(tf.memory().numTensors, before);
  t.notOk(model.layers.some(layer => Object.hasOwn(layer, 'call')));
});

t.test('stats of any division of a batch are those of all its values', async t => {
  const values = Float32Array.from({ length: 600 }, (_, i) => 6 * Math.sin(i * 1.7) + (i % 7) * 0.9);
  values[13] = 10;
  values[14] = 0;
  values[15] = -11;
  const { merge, options } = stats();
  const identity = tf.sequential({
    layers: [tf.layers.activation({ activation: 'linear', inputShape: [30] })],
  });
  const hooks = hooksOf(identity);
  hooks.set([spec('stats', identity.layers[0].name, { options })]);
  const observe = async (from: number, to: number): Promise<HookValue> => {
    hooks.begin(false);
    const part = values.slice(from * 30, to * 30);
    tf.tidy(() => void identity.apply(tf.tensor2d(part, [to - from, 30]), { training: false }));
    return (await hooks.take())![0].value;
  };
  const mean = values.reduce((a, b) => a + b, 0) / 600;
  const std = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / 599);
  // As torch.histc(40, 0, 10) counts: 10 in the last bin, 11 in none.
  const histogram = new Array(40).fill(0);
  for (const value of values.map(Math.abs)) if (value <= 10) histogram[Math.min(39, Math.floor(value * 4))]++;
  for (const cuts of [
    [0, 20],
    [0, 7, 14, 20],
    [0, 1, 20],
  ]) {
    const reports: HookValue[] = [];
    for (let i = 1; i < cuts.length; i++) reports.push(await observe(cuts[i - 1], cuts[i]));
    const all = merge(reports);
    t.equal(all.count, 600);
    t.ok(Math.abs(all.mean - mean) < 1e-6 && Math.abs(all.std - std) < 1e-6, `${all.mean} ${all.std}`);
    t.same(all.histogram, histogram);
  }
});

t.test('histograms: signed, by decades, and numbers that are none', async t => {
  const model = tf.sequential({ layers: [tf.layers.activation({ activation: 'linear', inputShape: [8] })] });
  const [{ name }] = model.layers;
  const hooks = hooksOf(model);
  const count = async (options: Parameters<typeof histogramRange>[0], row: number[]) => {
    hooks.set([spec('stats', name, { options: { ...histogramRange(options) } })]);
    hooks.begin(false);
    tf.tidy(() => void model.apply(tf.tensor2d([row]), { training: false }));
    return (await hooks.take())![0].value.histogram;
  };
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const row = [-2, -0.5, 0, 0.5, 1.9, 2, nan, infinity];
  t.same(await count({ bins: 4, max: 2 }, row), [1, 2, 0, 3]);
  t.same(await count({ bins: 4, max: 2, absolute: false }, row), [1, 1, 2, 2]);
  t.same(await count({ bins: 3, decades: [-3, 0] }, [0, 1e-9, 2e-3, 0.02, -0.02, 0.2, 1, 5]), [3, 2, 2]);
});

t.test('a gradient hook sees the gradient of the loss for the output', async t => {
  const model = makeModel();
  const hooks = hooksOf(model);
  const x = tf.randomNormal([2, 5, 5, 1], 0, 1, 'float32', 2);
  hooks.set([spec('capture', 'leaky'), spec('capture', 'leaky', { id: 2, kind: 'gradient' })]);
  const { reports } = await step(model, hooks, x);
  const [output, gradient] = reports!.map(({ value }) => value.data as Float32Array);
  t.same(
    reports!.map(({ hook }) => hook),
    [1, 2],
  );
  // By central differences: what comes after the layer as a function of its output.
  const later = model.layers.slice(model.layers.findIndex(layer => layer.name === 'leaky') + 1);
  const [shared, leaky2, flat, head] = later;
  const lossOf = (values: Float32Array): number =>
    tf.tidy(() => {
      const tail = [shared, leaky2, shared, flat, head];
      const y = tail.reduce((value, layer) => layer.apply(value) as Tensor, tf.tensor(values, [2, 5, 5, 16]));
      return tf.mul(tf.sum(tf.square(y)), 0.5 / 2).dataSync()[0];
    });
  hooks.clear();
  for (const index of [0, 37, 211, 402, 799]) {
    const at = (shift: number) => lossOf(output.map((value, i) => (i === index ? value + shift : value)));
    const difference = (at(0.05) - at(-0.05)) / 0.1;
    t.ok(
      Math.abs(difference - gradient[index]) < 2e-3 * Math.max(1, Math.abs(difference)),
      `${difference} ${gradient[index]}`,
    );
  }
});

t.test('what a hook returns as output takes the place of the value, in the gradients too', async t => {
  const model = makeModel();
  const hooks = hooksOf(model);
  const x = tf.randomNormal([3, 5, 5, 1], 0, 1, 'float32', 3);
  const plain = await step(model, hooks, x);
  const scaled = (kind: HookSpec['kind']) => spec('scaled', 'head', { kind, options: { factor: 3 } });
  hooks.set([scaled('forward')]);
  const forward = await step(model, hooks, x);
  // y → 3 y makes the loss of squares 9 times as large, and every gradient with it.
  t.ok(Math.abs(forward.loss / plain.loss - 9) < 1e-4);
  hooks.set([scaled('gradient')]);
  const gradient = await step(model, hooks, x);
  t.equal(gradient.loss, plain.loss);
  // Of sums that nearly cancel, rounding is a large part: held against the largest, which it is a millionth of.
  const largest = Math.max(...plain.gradients[0].map(Math.abs));
  const isMultiple = ({ gradients }: Step, factor: number): boolean =>
    gradients[0].every((value, i) => Math.abs(value - factor * plain.gradients[0][i]) < 1e-4 * largest);
  t.ok(isMultiple(forward, 9));
  t.ok(isMultiple(gradient, 3));
  hooks.set([spec('shrunk', 'head')]);
  await t.rejects(step(model, hooks, x), {
    code: 'E_RECIPE',
    message: /put float32 \[1,3\] in the place of float32 \[3,3\]/,
  });
  hooks.clear();
  t.same((await step(model, hooks, x)).gradients, plain.gradients);
});

t.test('hooks look where they were told to, and drop what was not asked for', async t => {
  const model = makeModel();
  const hooks = hooksOf(model);
  const x = tf.ones([1, 5, 5, 1]);
  hooks.set([spec('shape', 'head', { onValid: false }), spec('shape', 'flat', { id: 2, onTrain: false })]);
  const layersSeen = async (training: boolean) => {
    hooks.begin(training);
    tf.tidy(() => void model.apply(x, { training }));
    return (await hooks.take())?.map(({ layer }) => layer);
  };
  t.same(await layersSeen(true), ['head']);
  t.same(await layersSeen(false), ['flat']);
  hooks.set([spec('capture', 'first')]);
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) {
    hooks.begin(false);
    tf.tidy(() => void model.apply(x, { training: false }));
  }
  hooks.begin(false);
  t.equal(tf.memory().numTensors, before);
  t.throws(() => hooks.set([spec('capture', 'nowhere')]), { code: 'E_CONFIG' });
  t.throws(() => hooks.set([spec('nothing', 'first')]), { code: 'E_CONFIG' });
});
