/** The building blocks against their formulas. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import {
  type Activation,
  activation,
  conv,
  deconv,
  generalRelu,
  globalAvgPool,
  initWeights,
  linearHead,
  resBlock,
  unitPixels,
  type WeightInit,
} from '../../src/models/layers.js';
import '../engine/backends.js';

t.beforeEach(() => tf.setBackend('cpu'));

function modelOf(shape: number[], build: (x: SymbolicTensor) => SymbolicTensor) {
  const inputs = tf.input({ shape });
  return tf.model({ inputs, outputs: build(inputs) });
}

t.test('generalRelu: leak, then sub, then maxv, in any combination', async t => {
  const x = [-10, -1, -0.1, 0, 0.3, 1, 2.5, 9];
  for (const leak of [undefined, 0.1])
    for (const sub of [undefined, 0.4])
      for (const maxv of [undefined, 1.5]) {
        const act = generalRelu(leak, sub, maxv);
        const name = JSON.stringify(act).replaceAll(/\W/g, '');
        const model = modelOf([8], input => activation(tf, input, act, `act${name}`));
        const y = [...(model.predict(tf.tensor2d([x])) as Tensor).dataSync()];
        const expected = x.map(value =>
          Math.min((value > 0 ? value : (leak ?? 0) * value) - (sub ?? 0), maxv ?? Number.POSITIVE_INFINITY),
        );
        t.ok(
          y.every((value, i) => Math.abs(value - expected[i]) < 1e-6),
          `${JSON.stringify(act)}: ${y}`,
        );
        t.equal(model.layers[model.layers.length - 1].name, `act${name}`);
      }
});

t.test('conv is convolution, norm, activation; deconv doubles first', async t => {
  const names = (act: Activation, norm: boolean) =>
    modelOf([8, 8, 2], x => conv(tf, x, { name: 'b', filters: 3, act, norm })).layers.map(({ name }) => name);
  t.same(names(true, true).slice(1), ['b/conv', 'b/norm', 'b/act']);
  t.same(names(generalRelu(0.1, 0.4), false).slice(1), ['b/conv', 'b/act_1', 'b/act']);
  t.same(names(false, false).slice(1), ['b/conv']);
  const up = modelOf([4, 5, 2], x => deconv(tf, x, { name: 'u', filters: 3, act: false }));
  t.same(up.outputShape, [null, 8, 10, 3]);
  const [kernel] = up.getWeights();
  const x = tf.randomNormal([1, 4, 5, 2], 0, 1, 'float32', 1) as Tensor4D;
  const expected = tf.conv2d(tf.image.resizeNearestNeighbor(x, [8, 10]), kernel as Tensor4D, 1, 'same');
  const bias = up.getWeights()[1];
  const off = tf.max(tf.abs(tf.sub(up.predict(x) as Tensor, tf.add(expected, bias)))).dataSync()[0];
  t.ok(off < 1e-5, `off by ${off}`);
});

t.test('resBlock: act(convs(x) + idconv(pool(x))), the average over the pixels there are', async t => {
  const block = modelOf([5, 5, 2], x => resBlock(tf, x, { name: 'r', filters: 3, stride: 2 }));
  const weights = Object.fromEntries(block.weights.map(weight => [weight.originalName, weight.read()]));
  const x = tf.randomNormal([2, 5, 5, 2], 0, 1, 'float32', 1) as Tensor4D;
  const layer = (input: Tensor, name: string, stride: number) =>
    tf.add(
      tf.conv2d(input as Tensor4D, weights[`r/${name}/kernel`] as Tensor4D, stride, 'same'),
      weights[`r/${name}/bias`],
    );
  const convs = layer(tf.relu(layer(x, 'conv1', 1)), 'conv2', 2);
  const cell = (i: number, j: number) => {
    const window = tf.slice4d(x, [0, 2 * i, 2 * j, 0], [-1, i < 2 ? 2 : 1, j < 2 ? 2 : 1, -1]);
    return tf.mean(window, [1, 2]);
  };
  const pooled = tf.stack(
    [0, 1, 2].map(i =>
      tf.stack(
        [0, 1, 2].map(j => cell(i, j)),
        1,
      ),
    ),
    1,
  );
  const expected = tf.relu(tf.add(convs, layer(pooled, 'idconv', 1)));
  const off = tf.max(tf.abs(tf.sub(block.predict(x) as Tensor, expected))).dataSync()[0];
  t.ok(off < 1e-5, `off by ${off}`);
  const plain = modelOf([5, 5, 3], x => resBlock(tf, x, { name: 'p', filters: 3 }));
  t.notOk(
    plain.layers.some(({ name }) => /pool|idconv/.test(name)),
    'nothing on the shortcut',
  );
});

t.test('globalAvgPool and linearHead', async t => {
  const model = modelOf([3, 4, 2], x => linearHead(tf, globalAvgPool(tf, x), { classes: 5, norm: true }));
  t.same(model.outputShape, [null, 5]);
  t.same(
    model.layers.slice(1).map(({ name }) => name),
    ['pool', 'head/dense', 'head/norm'],
  );
  const flat = modelOf([3, 4, 2], x => linearHead(tf, x, { classes: 5, name: 'end' }));
  t.equal(flat.countParams(), 24 * 5);
});

t.test('weights start as they say: spread of kernels and biases', async t => {
  const spread = (init: WeightInit) => {
    const model = modelOf([4, 4, 20], x => conv(tf, x, { name: 'c', filters: 400, init }));
    const [kernel, bias] = model.getWeights().map(weight => [...weight.dataSync()]);
    const rms = (values: number[]) => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);
    const largest = kernel.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return { kernel: rms(kernel), largest, bias: rms(bias) };
  };
  const bound = 1 / Math.sqrt(180);
  const close = (value: number, expected: number) => Math.abs(value / expected - 1) < 0.06;
  const pytorch = spread('pytorch');
  t.ok(close(pytorch.kernel, bound / Math.sqrt(3)) && pytorch.largest <= bound, 'PyTorch');
  t.ok(close(pytorch.bias, bound / Math.sqrt(3)), 'its biases');
  const kaiming = spread(initWeights(0.1));
  t.ok(close(kaiming.kernel, Math.sqrt(2 / (1.01 * 180))), 'Kaiming');
  t.ok(kaiming.largest > 3.5 * kaiming.kernel, 'not truncated');
  t.ok(close(kaiming.bias, bound / Math.sqrt(3)), 'biases as before');
  t.equal(spread('heNormal').bias, 0);
});

t.test('unitPixels takes back what normalize did', async t => {
  const pixels = tf.tensor4d([0, 255, 51, 102], [1, 1, 2, 2]);
  const mean = [0.2, 0.4];
  const normalised = tf.div(tf.sub(tf.div(pixels, 255), mean), 0.5) as Tensor4D;
  for (const [x, scale] of [
    [pixels, {}],
    [normalised, { normalizedBy: { mean, std: 0.5 } }],
  ] as const) {
    const y = [...unitPixels(tf, x, scale).dataSync()];
    t.ok(
      y.every((value, i) => Math.abs(value - [0, 1, 0.2, 0.4][i]) < 1e-6),
      `${y}`,
    );
  }
});
