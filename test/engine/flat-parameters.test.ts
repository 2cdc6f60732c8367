/** Parameters as views of one buffer: what is written there is what the model computes with. */
import t from 'tap';
import { flatVariables } from '../../src/engine/flat-layout.js';
import { openGenericEngine } from '../../src/engine/generic-engine.js';
import { tf } from '../../src/engine/tf.js';
import { cpu, difference, wasm } from './backends.js';

/** A conv and a dense layer: the two whose weights the wasm backend keeps packed copies of. */
function makeModel() {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [6, 6, 2],
        filters: 4,
        kernelSize: 3,
        kernelInitializer: 'glorotNormal',
      }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 5 }),
    ],
  });
}

const generic = await openGenericEngine('tensorflow', 'cpu:0', 'cpu');

for (const [name, engine] of Object.entries({ cpu, wasm, generic })) {
  t.test(
    `${name}: writes to the flat buffer are seen by conv and dense, with no tensor left over`,
    async t => {
      await tf.setBackend(name === 'wasm' ? 'wasm' : 'cpu');
      const model = makeModel();
      const x = tf.randomNormal([3, 6, 6, 2]);
      const predict = () => {
        const y = model.predict(x) as import('@tensorflow/tfjs-core').Tensor;
        const values = y.dataSync();
        y.dispose();
        return values;
      };
      const original = predict();
      const flat = engine.flatParameters(flatVariables(model.trainableWeights));
      t.equal(flat.length, 3 * 3 * 2 * 4 + 4 + 64 * 5 + 5);
      t.ok(difference(predict(), original) < 1e-6, 'values are kept');
      const before = tf.memory().numTensors;
      // Biases start at 0, so doubling every weight of two linear layers makes the output four times as large.
      for (let round = 1; round <= 3; round++) {
        const values = flat.values();
        for (let i = 0; i < values.length; i++) values[i] *= 2;
        flat.changed();
        t.ok(
          difference(
            predict(),
            original.map(v => v * 4 ** round),
          ) < 1e-5,
          `round ${round}`,
        );
      }
      t.equal(tf.memory().numTensors, before);
      model.dispose();
      flat.dispose();
      x.dispose();
    },
  );
}

t.test('wasm: the heap survives the model, and growth of the heap does not lose the parameters', async t => {
  await tf.setBackend('wasm');
  const model = makeModel();
  const flat = wasm.flatParameters(flatVariables(model.trainableWeights));
  flat.values().fill(0.25);
  const large = tf.zeros([64 * 1024 * 1024]);
  t.ok(flat.values().every(value => value === 0.25));
  t.equal(model.getWeights()[0].dataSync()[7], 0.25);
  large.dispose();
  model.dispose();
  // Were a view's memory freed with the model, this would be handed out again and overwritten.
  const others = Array.from({ length: 50 }, () => tf.ones([100]));
  t.ok(flat.values().every(value => value === 0.25));
  for (const tensor of others) tensor.dispose();
  flat.dispose();
});

t.test('upload and readInto work on shared memory', async t => {
  const pixels = new Uint8Array(new SharedArrayBuffer(2 * 3 * 2));
  pixels.set([0, 255, 7, 9, 1, 2, 3, 4, 5, 6, 128, 64]);
  for (const [name, engine] of Object.entries({ cpu, wasm, generic })) {
    await tf.setBackend(name === 'wasm' ? 'wasm' : 'cpu');
    const x = engine.upload(pixels.subarray(6), 1, [3, 2, 1]);
    t.same(x.shape, [1, 3, 2, 1], name);
    const doubled = tf.mul(x, 2);
    const target = new Float32Array(new SharedArrayBuffer(8 * 4), 4, 6);
    engine.readInto(doubled, target);
    t.same([...target], [6, 8, 10, 12, 256, 128]);
    x.dispose();
    doubled.dispose();
  }
});
