/** Our walk over the tape against tfjs's variableGrads: equal to the bit on the cpu backend, and without a leak. */
import type { NamedTensorMap, Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { backward, discard, recordForward } from '../../src/nn/tape.js';
import '../engine/backends.js';

type Build = () => { model: LayersModel; input: () => Tensor };

const { layers } = tf;
const images = () => tf.randomNormal([4, 8, 8, 3], 0, 1, 'float32', 5);

const residual: Build = () => {
  const x = tf.input({ shape: [8, 8, 3] });
  const conv = (input: SymbolicTensor, filters: number, strides = 1) =>
    layers.conv2d({ filters, kernelSize: 3, strides, padding: 'same' }).apply(input) as SymbolicTensor;
  const first = layers.reLU().apply(layers.batchNormalization().apply(conv(x, 4))) as SymbolicTensor;
  const second = layers.batchNormalization().apply(conv(first, 4, 2)) as SymbolicTensor;
  const pooled = layers.averagePooling2d({ poolSize: 2, padding: 'same' }).apply(first) as SymbolicTensor;
  const joined = layers.leakyReLU().apply(layers.add().apply([second, pooled]));
  const depthwise = layers.depthwiseConv2d({ kernelSize: 3 }).apply(joined);
  const features = layers
    .globalAveragePooling2d({})
    .apply(layers.maxPooling2d({ poolSize: 2 }).apply(depthwise));
  const outputs = layers.dense({ units: 3 }).apply(features) as SymbolicTensor;
  return { model: tf.model({ inputs: x, outputs }), input: images };
};

const sharedDense: Build = () => {
  const x = tf.input({ shape: [5] });
  const dense = layers.dense({ units: 5, activation: 'tanh' });
  const outputs = dense.apply(dense.apply(dense.apply(x))) as SymbolicTensor;
  return {
    model: tf.model({ inputs: x, outputs }),
    input: () => tf.randomNormal([6, 5], 0, 1, 'float32', 2),
  };
};

const recurrent = (kind: 'lstm' | 'gru'): Build => {
  return () => {
    const model = tf.sequential({
      layers: [
        layers.embedding({ inputDim: 7, outputDim: 4, inputLength: 5 }),
        layers[kind]({ units: 3 }),
        layers.dense({ units: 2 }),
      ],
    });
    const words = [1, 2, 3, 3, 0, 6, 5, 1, 1, 2];
    return { model, input: () => tf.tensor2d(words, [2, 5]) };
  };
};

const twoBranches: Build = () => {
  const x = tf.input({ shape: [8, 8, 3] });
  const left = layers.conv2d({ filters: 2, kernelSize: 1, activation: 'relu' }).apply(x) as SymbolicTensor;
  const right = layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }).apply(x) as SymbolicTensor;
  const flat = layers.flatten().apply(layers.concatenate().apply([left, right]));
  const outputs = layers.dense({ units: 4, activation: 'sigmoid' }).apply(flat) as SymbolicTensor;
  return { model: tf.model({ inputs: x, outputs }), input: images };
};

const builds: Record<string, Build> = {
  residual,
  'dense layer used three times': sharedDense,
  'embedding and LSTM': recurrent('lstm'),
  'embedding and GRU': recurrent('gru'),
  'two branches': twoBranches,
};

const objective = (y: Tensor): Scalar => tf.mean(tf.square(tf.sub(y, 0.3)));

t.beforeEach(() => tf.setBackend('cpu'));

for (const [name, build] of Object.entries(builds)) {
  t.test(`${name}: every gradient once, bit for bit, no tensor left`, async t => {
    const { model, input } = build();
    const x = input();
    const weights = model.trainableWeights.map(weight => weight.read() as Variable);
    const forward = () => objective(model.apply(x, { training: true }) as Tensor);
    const expected = tf.variableGrads(forward, weights);
    const before = tf.memory().numTensors;

    const { value: loss, tape } = recordForward(tf, forward);
    const seen = new Map<number, number[]>();
    const { withoutGradient } = backward(tape, loss, weights, (index, gradient) => {
      t.notOk(seen.has(index), 'handed over once');
      seen.set(index, [...gradient.dataSync()]);
    });
    t.same([...loss.dataSync()], [...expected.value.dataSync()]);
    loss.dispose();
    t.same(withoutGradient, []);
    for (const [index, weight] of weights.entries()) {
      t.same(seen.get(index), [...expected.grads[weight.name].dataSync()], weight.name);
    }
    t.equal(tf.memory().numTensors, before);
    tf.dispose(expected.grads as NamedTensorMap);
    model.dispose();
  });
}

t.test('an output of a split that nothing uses, and a variable that the loss does not reach', async t => {
  const [a, b] = [tf.variable(tf.tensor1d([1, 2, 3, 4])), tf.variable(tf.scalar(2))];
  const before = tf.memory().numTensors;
  const { value, tape } = recordForward(tf, () => {
    tf.square(b);
    const [used] = tf.split(tf.square(a), 2);
    return tf.sum(used);
  });
  const gradients: number[][] = [];
  const { withoutGradient } = backward(tape, value, [b, a], (_, gradient) => {
    gradients.push([...gradient.dataSync()]);
  });
  t.same(gradients, [[2, 4, 0, 0]]);
  t.same(withoutGradient, [0]);
  value.dispose();
  t.equal(tf.memory().numTensors, before);
});

t.test('a tape can go on: predictions first, their loss later', async t => {
  const w = tf.variable(tf.scalar(3));
  const { value: y, tape } = recordForward(tf, () => tf.square(w));
  const { value: loss } = recordForward(tf, () => tf.mul(y, y) as Scalar, tape);
  const gradients: number[] = [];
  backward(tape, loss, [w], (_, gradient) => gradients.push(gradient.dataSync()[0]));
  t.same(gradients, [4 * 27]);
  y.dispose();
  loss.dispose();
});

t.test('nothing is computed for an input that leads to no variable', async t => {
  const w = tf.variable(tf.ones([3, 3, 1, 2]));
  const x = tf.ones([1, 5, 5, 1]);
  let inputGradients = 0;
  const probe = tf.customGrad(input => ({
    value: tf.clone(input as Tensor),
    gradFunc: dy => {
      inputGradients++;
      return dy;
    },
  }));
  const { value, tape } = recordForward(tf, () =>
    tf.sum(tf.conv2d(probe(x) as never, w as never, 1, 'same')),
  );
  backward(tape, value, [w], () => {});
  t.equal(inputGradients, 0);
  value.dispose();
});

for (const backend of ['cpu', 'wasm']) {
  t.test(`${backend}: no tensor is left after a throw, forward or backward`, async t => {
    await tf.setBackend(backend);
    const { model, input } = twoBranches();
    const x = input();
    const weights = model.trainableWeights.map(weight => weight.read());
    const forward = () => objective(model.apply(x, { training: true }) as Tensor);
    const before = tf.memory().numTensors;
    const broken = tf.customGrad(y => ({
      value: tf.clone(y as Tensor),
      gradFunc: () => {
        throw new Error('broken gradient');
      },
    }));

    t.throws(
      () =>
        recordForward(tf, () => {
          forward();
          throw new Error('broken forward');
        }),
      { message: 'broken forward' },
    );
    t.equal(tf.memory().numTensors, before, 'after a throw in the forward pass');

    const first = recordForward(tf, () => tf.add(broken(model.apply(x) as Tensor), 1));
    const summed = recordForward(tf, () => tf.sum(first.value), first.tape);
    t.throws(() => backward(first.tape, summed.value, weights, () => {}), { message: 'broken gradient' });
    tf.dispose([first.value, summed.value]);
    t.equal(tf.memory().numTensors, before, 'after a throw in a gradient');

    const third = recordForward(tf, forward);
    const stop = () => {
      throw new Error('broken consumer');
    };
    t.throws(() => backward(third.tape, third.value, weights, stop), { message: 'broken consumer' });
    third.value.dispose();
    t.equal(tf.memory().numTensors, before, 'after a throw of the consumer');

    const dropped = recordForward(tf, forward);
    discard(dropped.tape);
    dropped.value.dispose();
    t.equal(tf.memory().numTensors, before, 'after a discarded tape');

    t.ok(tf.engine().state.gradientDepth === 0 && !tf.engine().state.activeTape, 'nothing is being recorded');
    model.dispose();
    x.dispose();
  });
}
