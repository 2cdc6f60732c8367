/** conv2d on wasm against the stock cpu kernels, and both against float64 finite differences. */
import type { Rank } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { Purpose, Random } from '../../src/random.js';
import { difference, on } from './backends.js';

interface Config {
  batch: number;
  size: [number, number];
  kernel: [number, number];
  stride: [number, number];
  pad: 'same' | 'valid';
  channels: [number, number];
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)];
const values = (random: Random, length: number): Float32Array =>
  Float32Array.from({ length }, () => random.float() * 2 - 1);

function randomConfig(random: Random): Config {
  const kernels = [1, 2, 3, 5, 7];
  for (;;) {
    const size: [number, number] = [5 + random.below(8), 5 + random.below(8)];
    const square = pick(random, kernels);
    const kernel: [number, number] =
      random.below(3) === 0 ? [square, pick(random, kernels)] : [square, square];
    const step = 1 + random.below(3);
    const config: Config = {
      batch: 1 + random.below(3),
      size,
      kernel,
      stride: random.below(4) === 0 ? [step, 1 + random.below(3)] : [step, step],
      pad: pick(random, ['same', 'valid'] as const),
      channels: [1 + random.below(8), 1 + random.below(13)],
    };
    const fits = config.pad === 'same' || (kernel[0] <= size[0] && kernel[1] <= size[1]);
    const skips = kernel.some((k, axis) => k < config.stride[axis]) && Math.max(...kernel) > 1;
    if (fits && !(skips && config.pad === 'same')) return config;
  }
}

function tensors({ batch, size, kernel, channels }: Config, seed: number) {
  const random = new Random({ seed, purpose: Purpose.split });
  const x = values(random, batch * size[0] * size[1] * channels[0]);
  const filter = values(random, kernel[0] * kernel[1] * channels[0] * channels[1]);
  return {
    x: () => tf.tensor4d(x, [batch, ...size, channels[0]]),
    filter: () => tf.tensor4d(filter, [...kernel, ...channels]),
  };
}

/** Output, dX and dW for an upstream gradient that differs at every place. */
function convolve(config: Config, seed: number) {
  const { x, filter } = tensors(config, seed);
  const run = (a: ReturnType<typeof x>, b: ReturnType<typeof filter>) =>
    tf.conv2d(a, b, config.stride, config.pad);
  const y = run(x(), filter());
  const dy = tf.reshape(tf.sin(tf.range(0, y.size)), y.shape);
  const [dx, dw] = tf.grads((a, b) => run(a as typeof y, b as ReturnType<typeof filter>))(
    [x(), filter()],
    dy,
  );
  return [y, dx, dw];
}

t.test('150 random convolutions: wasm equals the stock cpu kernels to 1e-4', async t => {
  const random = new Random({ seed: 7, purpose: Purpose.split });
  const worst = { y: 0, dx: 0, dw: 0 };
  for (let n = 0; n < 150; n++) {
    const config = randomConfig(random);
    const expected = await on('cpu', () => convolve(config, n));
    const actual = await on('wasm', () => convolve(config, n));
    for (const [i, name] of (['y', 'dx', 'dw'] as const).entries()) {
      const apart = difference(actual[i], expected[i]);
      worst[name] = Math.max(worst[name], apart);
      if (!(apart < 1e-4)) t.fail(`${name} of ${JSON.stringify(config)} is ${apart} off`);
    }
  }
  t.comment(`worst relative differences ${JSON.stringify(worst)}`);
  t.ok(worst.y < 1e-4 && worst.dx < 1e-4 && worst.dw < 1e-4);
});

t.test('wide layers, whose channels fill whole register tiles and whose blocks end unevenly', async t => {
  const configs: Config[] = [
    { batch: 21, size: [10, 10], kernel: [3, 3], stride: [1, 1], pad: 'same', channels: [16, 40] },
    { batch: 2, size: [28, 28], kernel: [5, 5], stride: [1, 1], pad: 'same', channels: [1, 16] },
    { batch: 5, size: [8, 8], kernel: [3, 3], stride: [2, 2], pad: 'same', channels: [33, 31] },
    { batch: 7, size: [6, 6], kernel: [1, 1], stride: [1, 1], pad: 'valid', channels: [20, 12] },
  ];
  for (const config of configs) {
    const expected = await on('cpu', () => convolve(config, 3));
    const actual = await on('wasm', () => convolve(config, 3));
    for (const i of [0, 1, 2]) t.ok(difference(actual[i], expected[i]) < 1e-4, JSON.stringify(config));
  }
});

/** Σ dy·y in float64, with one input element moved: the definition of the convolution, nothing of tfjs. */
function loss(config: Config, x: ArrayLike<number>, filter: ArrayLike<number>, outShape: number[]): number {
  const { batch, size, kernel, stride, channels } = config;
  const [, outHeight, outWidth] = outShape;
  const before = (axis: 0 | 1, out: number) =>
    config.pad === 'valid' ? 0 : Math.max(0, (out - 1) * stride[axis] + kernel[axis] - size[axis]) >> 1;
  const [top, left] = [before(0, outHeight), before(1, outWidth)];
  let total = 0;
  let index = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let k = 0; k < channels[1]; k++) {
          let sum = 0;
          for (let a = 0; a < kernel[0]; a++)
            for (let b = 0; b < kernel[1]; b++) {
              const [row, column] = [i * stride[0] + a - top, j * stride[1] + b - left];
              if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
              for (let c = 0; c < channels[0]; c++)
                sum +=
                  x[((n * size[0] + row) * size[1] + column) * channels[0] + c] *
                  filter[((a * kernel[1] + b) * channels[0] + c) * channels[1] + k];
            }
          total += sum * Math.sin(index++);
        }
  return total;
}

t.test('gradients equal central differences of the definition in float64 to 1e-4', async t => {
  const configs: Config[] = [
    { batch: 2, size: [6, 5], kernel: [3, 3], stride: [2, 2], pad: 'same', channels: [2, 3] },
    { batch: 1, size: [7, 7], kernel: [5, 5], stride: [1, 1], pad: 'same', channels: [1, 4] },
    { batch: 1, size: [8, 6], kernel: [2, 3], stride: [3, 1], pad: 'valid', channels: [3, 2] },
  ];
  for (const config of configs) {
    const source = tensors(config, 11);
    const [x, filter] = await on('cpu', () => [source.x(), source.filter()]);
    const outShape = tf.tidy(() => tf.conv2d(source.x(), source.filter(), config.stride, config.pad).shape);
    const [, dx, dw] = await on('wasm', () => convolve(config, 11));
    const numeric = (input: Float32Array, evaluate: (values: Float64Array) => number) =>
      Float64Array.from(input, (_, i) => {
        // The loss is linear in each element, so a wide step has no truncation error.
        const moved = [0.5, -0.5].map(step => {
          const copy = Float64Array.from(input);
          copy[i] += step;
          return evaluate(copy);
        });
        return moved[0] - moved[1];
      });
    t.ok(
      difference(
        dx,
        numeric(x, v => loss(config, v, filter, outShape)),
      ) < 1e-4,
      'input gradient',
    );
    t.ok(
      difference(
        dw,
        numeric(filter, v => loss(config, x, v, outShape)),
      ) < 1e-4,
      'filter gradient',
    );
  }
});

t.test('a kernel smaller than the stride with "same" is refused: the stock kernel returns zeros', async t => {
  await tf.setBackend('wasm');
  t.throws(() => tf.conv2d(tf.ones<Rank.R4>([1, 6, 6, 1]), tf.ones<Rank.R4>([2, 2, 1, 1]), 3, 'same'), {
    code: 'E_ENGINE',
    hint: /'valid'/,
  });
});
