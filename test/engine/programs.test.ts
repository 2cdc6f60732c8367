/**
 * Models compiled into native programs against the same models run layer by layer: outputs, every gradient, moving
 * statistics. Joined layers add up in other orders, and Winograd rounds differently: without a ReLU that flips at 0 they
 * are 1e-4 apart, with one 1e-2; a wrong term would cost far more.
 */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import t, { type Test } from 'tap';
import type { Engine } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/registry.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import resnet from '../../src/models/resnet.js';
import { installFusedLayers } from '../../src/nn/fused-layers.js';
import { backward, discard, recordForward } from '../../src/nn/tape.js';
import { seedMathRandom } from '../../src/worker/seeded-math-random.js';

if (!isAddonBuilt()) {
  t.plan(0, 'the addon of the torch engine is not built (npm run build:native)');
  process.exit();
}

const tolerance = 1e-2;
const engine: Engine = await openEngine('torch', 'cpu:0');
installFusedLayers();
// The same weights at every run: some make a ReLU flip where it costs more than the tolerance.
seedMathRandom(1);
const { tf } = engine;
const { layers } = tf;

const chain = (input: SymbolicTensor, ...steps: { apply(x: SymbolicTensor): unknown }[]): SymbolicTensor =>
  steps.reduce((x, layer) => layer.apply(x) as SymbolicTensor, input);

function branches(shape: number[]): LayersModel {
  const input = tf.input({ shape });
  const trunk = chain(
    input,
    layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same' }),
    layers.leakyReLU({ alpha: 0.1 }),
  );
  const left = chain(
    trunk,
    layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, padding: 'same', useBias: false }),
    layers.batchNormalization({}),
  );
  const right = chain(
    trunk,
    layers.conv2d({ filters: 16, kernelSize: 1, strides: 2 }),
    layers.batchNormalization({ scale: false }),
  );
  const sum = layers.add().apply([left, right]) as SymbolicTensor;
  const output = chain(
    sum,
    layers.activation({ activation: 'relu' }),
    layers.flatten(),
    layers.dense({ units: 5 }),
  );
  return tf.model({ inputs: input, outputs: output });
}

const models: Record<
  string,
  { shape: number[]; fused: 'all' | 'some'; model: (shape: number[]) => LayersModel }
> = {
  'a ResNet': {
    shape: [20, 20, 1],
    fused: 'all',
    model: ([height, width, channels]) =>
      resnet.model(tf, {
        imageShape: [height, width, channels],
        classes: ['a', 'b', 'c'],
        seed: 1,
        options: { filters: [16, 32, 48], activation: 'generalRelu' },
      }) as LayersModel,
  },
  'two normalised branches': { shape: [9, 11, 3], fused: 'all', model: branches },
  'max pools, no norm': {
    shape: [13, 12, 2],
    fused: 'all',
    model: shape =>
      tf.sequential({
        layers: [
          layers.conv2d({ filters: 8, kernelSize: 5, activation: 'relu', inputShape: shape }),
          layers.maxPooling2d({ poolSize: 2, padding: 'same' }),
          layers.conv2d({ filters: 20, kernelSize: [3, 1], activation: 'relu' }),
          layers.flatten(),
          layers.dense({ units: 4 }),
        ],
      }),
  },
  'dense layers alone': {
    shape: [17],
    fused: 'all',
    model: shape =>
      tf.sequential({
        layers: [
          layers.dense({ units: 11, activation: 'relu', inputShape: shape }),
          layers.batchNormalization({ center: false }),
          layers.dense({ units: 3, useBias: false }),
        ],
      }),
  },
  'layers that run by themselves between programs': {
    shape: [8, 8, 3],
    fused: 'some',
    model: shape =>
      tf.sequential({
        layers: [
          layers.conv2d({ filters: 16, kernelSize: 3, inputShape: shape }),
          layers.batchNormalization({}),
          layers.activation({ activation: 'tanh' }),
          layers.conv2d({ filters: 16, kernelSize: 3, trainable: false }),
          layers.reLU(),
          layers.separableConv2d({ filters: 8, kernelSize: 3 }),
          layers.flatten(),
          layers.activation({ activation: 'sigmoid' }),
          layers.dense({ units: 3 }),
        ],
      }),
  },
};

interface StepResult {
  readonly output: Float32Array;
  readonly gradients: Float32Array[];
  readonly state: Float32Array[];
}

/** A function that puts the weights back. In copies: a tensor that a weight shares would be written to with it. */
function weightsOf(model: LayersModel): () => void {
  const saved = model
    .getWeights()
    .map(weight => ({ values: weight.dataSync().slice(), shape: weight.shape }));
  return () => {
    const tensors = saved.map(({ values, shape }) => tf.tensor(values, shape));
    model.setWeights(tensors);
    tf.dispose(tensors);
  };
}

const valuesOf = (model: LayersModel): Float32Array[] =>
  model.getWeights().map(weight => Float32Array.from(weight.dataSync<'float32'>()));

/** One training step from the model's weights, which are put back. */
function trainingStep(model: LayersModel, x: Tensor, apply: (x: Tensor) => Tensor): StepResult {
  const restore = weightsOf(model);
  const variables = model.trainableWeights.map(weight => weight.read());
  const { value: output, tape } = recordForward(tf, () => apply(x));
  // Targets at random: a norm's output has a fixed mean and variance, and a loss of these alone no gradient.
  const targets = tf.randomNormal(output.shape, 0, 2, 'float32', 5);
  const loss = recordForward(tf, () => tf.mean(tf.square(tf.sub(output, targets))) as Scalar, tape).value;
  const gradients: Float32Array[] = [];
  backward(tape, loss, variables, (index, gradient) => {
    gradients[index] = Float32Array.from(gradient.dataSync<'float32'>());
  });
  const result = {
    output: Float32Array.from(output.dataSync<'float32'>()),
    gradients,
    state: valuesOf(model),
  };
  restore();
  tf.dispose([output, targets, loss]);
  return result;
}

/** Weights that a moving mean or a bias would start with are all 0 or 1: too kind to a mistake. */
function randomise(model: LayersModel): void {
  const weights = model.weights.map(({ shape, name }, seed) => {
    const size = shape as number[];
    if (/variance|gamma/.test(name)) return tf.randomUniform(size, 0.5, 1.5, 'float32', seed);
    const fan = size.slice(0, -1).reduce((n, d) => n * d, 1);
    return tf.randomNormal(size, 0, size.length > 1 ? Math.sqrt(2 / fan) : 0.2, 'float32', seed);
  });
  model.setWeights(weights);
  tf.dispose(weights);
}

const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

/** Distance over length, of each tensor; or over a hundredth of the longest: some ought to be 0. */
function compare(
  test: Test,
  what: string,
  actual: Float32Array[],
  expected: Float32Array[],
  names: string[],
): void {
  const floor = Math.max(...expected.map(norm)) / 100;
  const worst = expected
    .map((values, i) => {
      const apart = norm(values.map((value, j) => value - actual[i][j])) / Math.max(norm(values), floor);
      return { name: names[i], apart };
    })
    .reduce((a, b) => (a.apart > b.apart ? a : b));
  test.ok(worst.apart <= tolerance, `${what}: ${worst.name} is ${worst.apart.toExponential(1)} apart`);
}

for (const [name, { shape, fused, model: make }] of Object.entries(models)) {
  t.test(name, async t => {
    const model = make(shape);
    randomise(model);
    const compiled = engine.compile!(model)!;
    const { layers: counts } = compiled;
    t.equal(counts.fused === counts.all, fused === 'all', `${counts.fused} of ${counts.all} layers joined`);
    const trained = model.trainableWeights.map(weight => weight.name);
    for (const batch of [32, 21, 32]) {
      const x = tf.randomNormal([batch, ...shape] as [number], 0, 1, 'float32', batch);
      const plain = trainingStep(model, x, input => model.apply(input, { training: true }) as Tensor);
      const joined = trainingStep(model, x, input => compiled.apply(input, { training: true }));
      compare(t, `batch ${batch}`, [joined.output], [plain.output], ['the output']);
      compare(t, `batch ${batch}`, joined.gradients, plain.gradients, trained);
      compare(
        t,
        `batch ${batch}`,
        joined.state,
        plain.state,
        model.weights.map(weight => weight.name),
      );
      const [inferred, expected] = [compiled.apply(x, { training: false }), model.predict(x) as Tensor].map(
        tensor => Float32Array.from(tensor.dataSync<'float32'>()),
      );
      compare(t, `batch ${batch}, inference`, [inferred], [expected], ['the output']);
    }
    compiled.dispose();
  });
}

t.test('a second forward pass leaves the first one alone, and nothing is kept', async t => {
  const model = branches([6, 6, 1]);
  const compiled = engine.compile!(model)!;
  const variables = model.trainableWeights.map(weight => weight.read());
  const [x, other] = [1, 2].map(seed => tf.randomNormal([3, 6, 6, 1], 0, 1, 'float32', seed));
  const restore = weightsOf(model);
  const gradientsOf = (between: () => void): Float32Array[] => {
    // The moving mean is where sums begin: another one rounds otherwise.
    restore();
    const { value, tape } = recordForward(tf, () => tf.sum(compiled.apply(x, { training: true })));
    between();
    const gradients: Float32Array[] = [];
    backward(tape, value, variables, (index, gradient) => {
      gradients[index] = Float32Array.from(gradient.dataSync<'float32'>());
    });
    value.dispose();
    return gradients;
  };
  const alone = gradientsOf(() => {});
  const before = tf.memory().numTensors;
  const disturbed = gradientsOf(() => {
    const { value, tape } = recordForward(tf, () => compiled.apply(other, { training: true }));
    value.dispose();
    discard(tape);
  });
  t.same(disturbed, alone);
  t.equal(tf.memory().numTensors, before);
  compiled.dispose();
});

t.test('a layer with a replaced call runs where the replacement sees it', async t => {
  const model = branches([6, 6, 1]);
  const layer = model.layers.find(each => each.getClassName() === 'Add')!;
  let calls = 0;
  const call = layer.call.bind(layer);
  layer.call = (...args) => {
    calls++;
    return call(...args);
  };
  const compiled = engine.compile!(model)!;
  tf.tidy(() => void compiled.apply(tf.ones([2, 6, 6, 1]), { training: true }));
  t.equal(calls, 1);
  t.ok(compiled.layers.fused > 0 && compiled.layers.fused < compiled.layers.all);
  compiled.dispose();
});
