/**
 * Stock layers on fused operations give the numbers of stock layers: on cpu and wasm, and by the composition that
 * serves a backend without our kernels. Reference: stock tfjs on its cpu backend, computed before the installation.
 */
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import t, { type Test } from 'tap';
import { FusedKernel } from '../../src/engine/fused-kernels.js';
import { tf } from '../../src/engine/tf.js';
import { installFusedLayers } from '../../src/nn/fused-layers.js';
import { difference, on } from '../engine/backends.js';

const { layers } = tf;

/** Weights and inputs without symmetry, the same on every backend. */
const wave = (shape: readonly number[], phase: number): Tensor => {
  const size = shape.reduce((n, m) => n * m, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + phase) + 0.3),
    [...shape],
  );
};

interface Case {
  readonly shape: number[];
  layers(): Parameters<typeof tf.sequential>[0];
}

const stack = (...list: NonNullable<Parameters<typeof tf.sequential>[0]>['layers'] & object) => ({
  layers: list,
});

const cases: Record<string, Case> = {
  'conv with bias and relu, batch norm on 3 channels, leaky relu, average pooling': {
    shape: [4, 9, 7, 2],
    layers: () =>
      stack(
        layers.conv2d({
          inputShape: [9, 7, 2],
          filters: 3,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          activation: 'relu',
        }),
        layers.batchNormalization(),
        layers.leakyReLU({ alpha: 0.2 }),
        layers.averagePooling2d({ poolSize: 2, padding: 'valid' }),
        layers.flatten(),
        layers.dense({ units: 4, activation: 'sigmoid' }),
      ),
  },
  'conv without bias, batch norm on 24 channels, other momentum and epsilon, relu, global pooling': {
    shape: [6, 8, 8, 1],
    layers: () =>
      stack(
        layers.conv2d({ inputShape: [8, 8, 1], filters: 24, kernelSize: 5, useBias: false }),
        layers.batchNormalization({ momentum: 0.8, epsilon: 1e-2 }),
        layers.reLU(),
        layers.globalAveragePooling2d({}),
        layers.dense({ units: 3, useBias: false }),
      ),
  },
  'dense layers alone, on matrices of an odd size': {
    shape: [3, 5],
    layers: () => stack(layers.dense({ inputShape: [5], units: 6 }), layers.dense({ units: 2 })),
  },
};

/** Loss, gradients and moving statistics of one training step from fixed weights. */
function trainingStep({ shape, layers: build }: Case): Tensor[] {
  const model = tf.sequential(build());
  model.setWeights(model.getWeights().map((weight, i) => wave(weight.shape, i)));
  const weights = model.trainableWeights.map(weight => weight.read() as Variable);
  const { value, grads } = tf.variableGrads(() => {
    const y = model.apply(wave(shape, 9), { training: true }) as Tensor;
    return tf.sum(tf.mul(y, wave(y.shape, 4))) as Scalar;
  }, weights);
  const state = model.nonTrainableWeights.map(weight => tf.clone(weight.read()));
  const gradients = weights.map(({ name }) => grads[name]);
  tf.dispose(weights);
  return [value, ...gradients, ...state];
}

const reference = new Map<string, Float32Array[]>();
for (const [name, example] of Object.entries(cases)) {
  reference.set(name, await on('cpu', () => trainingStep(example)));
}

installFusedLayers();
installFusedLayers();

const closeToStock = (t: Test, name: string, actual: Float32Array[]) => {
  const apart = actual.map((values, i) => difference(values, reference.get(name)![i]));
  t.ok(
    apart.every(value => value < 1e-4),
    `${name}: ${apart.map(value => value.toExponential(0))}`,
  );
};

for (const [name, example] of Object.entries(cases)) {
  t.test(name, async t => {
    closeToStock(t, name, await on('cpu', () => trainingStep(example)));
    closeToStock(t, name, await on('wasm', () => trainingStep(example)));
  });
}

t.test('the composition for backends without our kernels', async t => {
  const names = Object.values(FusedKernel);
  const kernels = names.map(name => tf.getKernel(name, 'cpu'));
  for (const name of names) tf.unregisterKernel(name, 'cpu');
  t.teardown(() => {
    for (const kernel of kernels) tf.registerKernel(kernel);
  });
  for (const [name, example] of Object.entries(cases)) {
    closeToStock(t, name, await on('cpu', () => trainingStep(example)));
  }
});

t.test('batch norm without scale or offset, which stock cannot train, equals one with 1 or 0', async t => {
  const step = (options: { scale?: boolean; center?: boolean }) => () => {
    const norm = layers.batchNormalization({ inputShape: [4], ...options });
    tf.sequential({ layers: [norm] });
    const gradient = tf.grad(x =>
      tf.sum(tf.mul(norm.apply(x, { training: true }) as Tensor, wave([6, 4], 3))),
    );
    return [gradient(wave([6, 4], 1)), norm.apply(wave([6, 4], 1), { training: true }) as Tensor];
  };
  for (const backend of ['cpu', 'wasm'] as const) {
    const expected = await on(backend, step({}));
    for (const options of [{ scale: false }, { center: false }, { scale: false, center: false }]) {
      const actual = await on(backend, step(options));
      t.same(actual, expected, `${backend} ${JSON.stringify(options)}`);
    }
  }
});

t.test('batch norm keeps the variance of columns whose mean is large', async t => {
  const rows = 5000;
  const values = Float32Array.from({ length: rows * 4 }, (_, i) => 1000 + Math.sin(i * 0.37));
  const column = (c: number) => Array.from({ length: rows }, (_, row) => values[row * 4 + c]);
  const mean = [0, 1, 2, 3].map(c => column(c).reduce((a, b) => a + b) / rows);
  const expected = mean.map((m, c) => column(c).reduce((a, b) => a + (b - m) ** 2, 0) / rows);
  for (const backend of ['cpu', 'wasm'] as const) {
    const [variance] = await on(backend, () => {
      const x = tf.tensor2d(values, [rows, 4]);
      return (tf.engine().runKernel(FusedKernel.batchNormTrain, { x }, { epsilon: 0 }) as Tensor[])[2];
    });
    t.ok(difference(variance, expected) < 1e-4, backend);
  }
});

t.test('gradients against central differences in float64: batch norm from its definition', async t => {
  const [rows, channels, epsilon] = [10, 4, 1e-3];
  const [x, dy, scale] = await on('cpu', () => [
    wave([rows, channels], 1),
    wave([rows, channels], 2),
    wave([channels], 3),
  ]);
  const loss = (input: ArrayLike<number>): number => {
    let total = 0;
    for (let c = 0; c < channels; c++) {
      const values = Array.from({ length: rows }, (_, row) => input[row * channels + c]);
      const mean = values.reduce((a, b) => a + b) / rows;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / rows;
      for (let row = 0; row < rows; row++) {
        total += dy[row * channels + c] * ((values[row] - mean) / Math.sqrt(variance + epsilon)) * scale[c];
      }
    }
    return total;
  };
  const numeric = Array.from(x, (_, i) => {
    const moved = [1e-4, -1e-4].map(step => {
      const copy = Float64Array.from(x);
      copy[i] += step;
      return loss(copy);
    });
    return (moved[0] - moved[1]) / 2e-4;
  });
  for (const backend of ['cpu', 'wasm'] as const) {
    const [dx] = await on(backend, () => {
      const input = tf.tensor2d(x, [rows, channels]);
      const run = (name: string, inputs: Record<string, Tensor>) =>
        tf.engine().runKernel(name, inputs, { epsilon }) as Tensor[];
      const [, mean, variance] = run(FusedKernel.batchNormTrain, { x: input });
      const inputs = {
        dy: tf.tensor2d(dy, [rows, channels]),
        x: input,
        mean,
        variance,
        scale: tf.tensor1d(scale),
      };
      return run(FusedKernel.batchNormTrainGrad, inputs)[0];
    });
    t.ok(difference(dx, numeric) < 1e-4, backend);
  }
});

t.test('models built of patched layers predict and save as before', async t => {
  await tf.setBackend('wasm');
  const input = tf.input({ shape: [4, 4, 2] });
  const conv = layers.conv2d({ filters: 4, kernelSize: 3 }).apply(input);
  const outputs = layers.batchNormalization().apply(conv) as SymbolicTensor;
  const model: LayersModel = tf.model({ inputs: input, outputs });
  const json = model.toJSON(undefined, false) as { config: { layers: { class_name: string }[] } };
  t.same(
    json.config.layers.map(layer => layer.class_name),
    ['InputLayer', 'Conv2D', 'BatchNormalization'],
  );
  const y = model.predict(wave([2, 4, 4, 2], 1)) as Tensor;
  t.same(y.shape, [2, 2, 2, 4]);
});
