/** The torch engine's programs with a hole for each layer in turn: wherever a hook is, the model stays the same. */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import t from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import cnn from '../../src/models/cnn.js';
import mlp from '../../src/models/mlp.js';
import resnet from '../../src/models/resnet.js';
import { installFusedLayers } from '../../src/nn/fused-layers.js';
import { backward, recordForward } from '../../src/nn/tape.js';
import { LayerHooks } from '../../src/worker/hooks.js';

if (!isAddonBuilt()) {
  t.plan(0, 'the addon of the torch engine is not built (npm run build:native)');
  process.exit();
}

const engine = await openEngine('torch', 'cpu:0');
const { tf } = engine;
installFusedLayers();

const context = { imageShape: [28, 28, 1] as const, classes: ['a', 'b', 'c'], seed: 1 };
const recipes = {
  mlp: mlp.model(tf, { ...context, options: {} }),
  // Its last convolution leaves one position.
  cnn: cnn.model(tf, { ...context, options: {} }),
  resnet: resnet.model(tf, { ...context, options: { filters: [4, 8], activation: 'generalRelu' } }),
};

/** A function that puts the weights back: where a moving mean lies, sums begin. */
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

/** Output and all gradients of half the sum of squares, one after the other. */
function step(model: LayersModel, x: Tensor): Float32Array[] {
  const compiled = engine.compile?.(model);
  const { value: y, tape } = recordForward(
    tf,
    () => (compiled ? compiled.apply(x, { training: true }) : model.apply(x, { training: true })) as Tensor,
  );
  const loss = recordForward(tf, () => tf.mul(tf.sum(tf.square(y)), 0.5) as Scalar, tape).value;
  const results = [Float32Array.from(y.dataSync<'float32'>())];
  const variables = model.trainableWeights.map(weight => weight.read());
  backward(tape, loss, variables, (index, gradient) => {
    results[index + 1] = Float32Array.from(gradient.dataSync<'float32'>());
  });
  tf.dispose([y, loss]);
  compiled?.dispose();
  return results;
}

const norm = (values: Float32Array): number => Math.hypot(...values);

for (const [name, made] of Object.entries(recipes)) {
  t.test(name, async t => {
    const model = (await made) as LayersModel;
    const x = tf.randomNormal([8, 28, 28, 1], 0, 1, 'float32', 7);
    const restore = weightsOf(model);
    const expected = step(model, x);
    const floor = Math.max(...expected.map(norm)) / 100;
    const hooks = new LayerHooks(tf, model);
    const spec = { id: 1, kind: 'gradient', fn: 'stats', onTrain: true, onValid: true } as const;
    const options = { bins: 4, low: 0, high: 1, scale: 'size' };
    for (const layer of model.layers.filter(each => each.getClassName() !== 'InputLayer')) {
      hooks.set([
        { ...spec, layers: [layer.name], options },
        { ...spec, id: 2, kind: 'forward', fn: 'capture', layers: [layer.name] },
      ]);
      hooks.begin(true);
      restore();
      const seen = step(model, x);
      const [output] = ((await hooks.take()) ?? []).filter(({ hook }) => hook === 2);
      t.same(output.value.shape, [8, ...layer.outputShape.slice(1)], `${layer.name} gives its shape`);
      const apart = seen.map(
        (values, i) =>
          norm(values.map((value, j) => value - expected[i][j])) / Math.max(norm(expected[i]), floor),
      );
      // Joined layers add up in another order; a ReLU may flip at 0.
      t.ok(
        Math.max(...apart) < 1e-2,
        `a hook on ${layer.name} leaves the model as it is: ${Math.max(...apart)}`,
      );
    }
  });
}
