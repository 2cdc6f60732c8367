/**
 * Every layer, activation, loss, metric and optimizer of tfjs on the torch engine: what it computes and its gradients
 * are those of the cpu engine, and no kernel of it takes the way through host copies.
 */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { test } from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { registerTorchKernels } from '../../src/engine/torch/kernels/register.js';
import { type LayerCase, layerCases } from './fixtures/layer-cases.js';

const skip = !isAddonBuilt() && 'the addon of the torch engine is not built (npm run build:native)';
const throughHost = new Set<string>();
if (!skip) {
  await openEngine('cpu', 'cpu:0');
  await openEngine('torch', 'cpu:0');
  registerTorchKernels(name => throughHost.add(name));
}

/** Numbers −1 … 1 without a pattern, or whole ones from 0, the same on each call. */
function values(shape: number[], seed: number, below?: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const noise = Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));
  const whole = noise.map(x => Math.floor(((x + 1) / 2) * (below ?? 0)));
  return below === undefined ? tf.tensor(noise, shape) : tf.tensor(whole, shape);
}

type Named = Record<string, Float32Array>;

type Mode = 'training' | 'without randomness' | 'inference';

/** Result of the layer and gradients of all its weights and inputs. */
function runLayer({ layer, inputs, below, samples = 2 }: LayerCase, mode: Mode): Named {
  return tf.tidy(() => {
    const symbols = inputs.map(shape => tf.input({ shape }));
    const output = layer.apply(symbols.length > 1 ? symbols : symbols[0]) as ReturnType<typeof tf.input>;
    const model = tf.model({ inputs: symbols, outputs: output });
    model.setWeights(model.getWeights().map(({ shape }, i) => values(shape, i).mul(0.5)));
    const fed = inputs.map((shape, i) => values([samples, ...shape], 10 + i, below));
    const results: Named = {};
    const loss = (...x: Tensor[]): Scalar => {
      const y = model.apply(x.length > 1 ? x : x[0], { training: mode === 'training' }) as Tensor;
      results.output = y.dataSync().slice() as Float32Array;
      return tf.sum(tf.mul(y, values(y.shape, 20)));
    };
    if (mode === 'inference') {
      loss(...fed);
      return results as never;
    }
    if (model.trainableWeights.length > 0) {
      const variables = model.trainableWeights.map(weight => weight.read() as never);
      const { grads } = tf.variableGrads(() => loss(...fed), variables);
      Object.values(grads).forEach((gradient, i) => {
        results[`gradient ${i}`] = gradient.dataSync<'float32'>().slice();
      });
    }
    if (below === undefined) {
      tf.grads(loss)(fed).forEach((gradient, i) => {
        results[`input ${i}`] = gradient.dataSync<'float32'>().slice();
      });
    }
    return results as never;
  }) as unknown as Named;
}

async function on(backend: string, run: () => Named | Promise<Named>): Promise<Named> {
  await tf.setBackend(backend);
  return run();
}

/** Names of the results that differ by more than 1e-4 of the largest value. */
function differing(actual: Named, expected: Named): string[] {
  return Object.keys({ ...actual, ...expected }).filter(name => {
    const [a, b] = [actual[name], expected[name]];
    if (a?.length !== b?.length) return true;
    const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-2);
    // Written so that a NaN on either side is a difference.
    return !a.every((x, i) => Math.abs(x - b[i]) <= 1e-4 * largest);
  });
}

test('layers', { skip }, async t => {
  for (const [name, make] of Object.entries(layerCases)) {
    await t.test(name, async t => {
      const { isRandom, isUntrainable } = make();
      const mode = isUntrainable ? 'inference' : isRandom ? 'without randomness' : 'training';
      const actual = await on('torch', () => runLayer(make(), mode));
      t.strictSame(differing(actual, await on('cpu', () => runLayer(make(), mode))), [], mode);
      if (isRandom) await on('torch', () => runLayer(make(), 'training'));
    });
  }
});

/** Weights and reported figures of a small model after two batches. */
async function train(optimizer: string, loss: string, metrics: string[]): Promise<Named> {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: 'softmax' })],
  });
  model.setWeights(model.getWeights().map(({ shape }, i) => values(shape, i)));
  model.compile({ optimizer, loss, metrics });
  const x = values([6, 4], 1);
  const sparse = loss.startsWith('sparse');
  const classes = values([6], 2, 3);
  const y = sparse ? classes.expandDims(1) : tf.oneHot(classes.toInt(), 3).toFloat();
  const reported = [await model.trainOnBatch(x, y), await model.trainOnBatch(x, y)].flat() as number[];
  const weights = model.getWeights().flatMap(weight => Array.from(weight.dataSync()));
  model.dispose();
  return { reported: Float32Array.from(reported), weights: Float32Array.from(weights) };
}

const optimizers = 'sgd adam adamax adagrad adadelta rmsprop'.split(' ');
const losses =
  `meanSquaredError meanAbsoluteError meanAbsolutePercentageError meanSquaredLogarithmicError squaredHinge
  hinge categoricalHinge logcosh categoricalCrossentropy sparseCategoricalCrossentropy binaryCrossentropy
  kullbackLeiblerDivergence poisson cosineProximity`.split(/\s+/);
const metrics = `binaryAccuracy categoricalAccuracy precision categoricalCrossentropy`.split(/\s+/);

test('optimizers, losses and metrics', { skip }, async t => {
  const cases = [
    ...optimizers.map(name => [name, 'categoricalCrossentropy', []] as const),
    ...losses.map(name => ['sgd', name, []] as const),
    ...metrics.map(name => ['sgd', 'meanSquaredError', [name]] as const),
  ];
  for (const [optimizer, loss, measured] of cases) {
    await t.test(`${optimizer} ${loss} ${measured}`, async t => {
      const run = () => train(optimizer, loss, [...measured]);
      t.strictSame(differing(await on('torch', run), await on('cpu', run)), []);
    });
  }
});

test('no kernel took the way through host copies', { skip }, async t => {
  t.strictSame([...throughHost], []);
});
