/** Every ready recipe: parameters, shapes, and that stock TensorFlow.js loads what is saved of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import t from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { models } from '../../src/models/catalog.js';
import { packageRoot } from '../../src/package-root.js';
import type { ImageShape } from '../../src/protocol/batch.js';
import { saveModel } from '../../src/run/model-files.js';
import { serialiseModel } from '../../src/worker/describe-model.js';
import { loadRecipe } from '../../src/worker/load-recipe.js';

const { tf } = await openEngine('wasm', 'wasm:0', {
  threads: 1,
  precision: 'fp32',
  tf32: false,
  deterministic: false,
  fuse: true,
  cudaGraph: false,
});

const load = async (name: string, imageShape: ImageShape, count = 10) => {
  const classes = Array.from({ length: count }, (_, i) => `${i}`);
  const context = { imageShape, classes, seed: 1, options: models[name].options };
  return (await loadRecipe(tf, models[name], context)).model;
};

// What PyTorch counts for the lessons' models, batch norm's moving statistics left out.
const parameters: Record<string, number> = {
  mlp: 39_760,
  cnn: 5_274,
  autoencoder: 777,
  conv64: 30_394,
  conv128: 110_286,
  resnet: 1_231_428,
  resnet4: 1_224_948,
  resnet256: 1_228_908,
  get_model: 4_907_588,
  get_model2: 4_907_588,
  get_model3: 1_231_428,
  get_model4: 1_224_948,
};

t.test('parameters of all of them, on the images of the lessons', async t => {
  t.same(Object.keys(models).sort(), Object.keys(parameters).sort());
  for (const [name, expected] of Object.entries(parameters)) {
    const model = await load(name, [28, 28, 1]);
    const count = model.trainableWeights.reduce((n, { shape }) => n + shape.reduce((a, b) => a! * b!, 1)!, 0);
    t.equal(count, expected, name);
    const y = model.predict(tf.ones([1, 28, 28, 1])) as Tensor;
    t.same(y.shape, name === 'autoencoder' ? [1, 28, 28, 1] : [1, 10], name);
    t.ok(y.dataSync().every(Number.isFinite), name);
    model.dispose();
  }
});

t.test('other sizes, colours and numbers of classes', async t => {
  for (const name of Object.keys(models)) {
    const model = await load(name, [37, 30, 3], 4);
    t.same(model.outputShape, name === 'autoencoder' ? [null, 37, 30, 3] : [null, 4], name);
    model.dispose();
  }
});

t.test('stock TensorFlow.js loads what is saved, and computes the same', async t => {
  const folder = t.testdir();
  const program = `import { readFileSync } from 'node:fs';
    import * as tf from '@tensorflow/tfjs-core';
    import '@tensorflow/tfjs-backend-cpu';
    import { loadLayersModel } from '@tensorflow/tfjs-layers';
    await tf.setBackend('cpu');
    const read = name => readFileSync(process.argv[1] + '/' + name);
    const { modelTopology, weightsManifest: [{ weights: weightSpecs }] } = JSON.parse(read('model.json'));
    const weightData = new Uint8Array(read('weights.bin')).buffer;
    const model = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    const x = tf.reshape(tf.linspace(-1, 1, 784), [1, 28, 28, 1]);
    console.log(JSON.stringify([...model.predict(x).dataSync()]));`;
  // Its imports are found from the package's folder; nothing of gradring is among them.
  const run = () =>
    execFileSync(process.execPath, ['--input-type=module', '--eval', program, folder], {
      cwd: packageRoot(),
      encoding: 'utf8',
    });
  for (const name of ['resnet256', 'autoencoder']) {
    const model = await load(name, [28, 28, 1]);
    saveModel(await serialiseModel(tf, model), folder);
    const expected = (
      model.predict(tf.reshape(tf.linspace(-1, 1, 784), [1, 28, 28, 1])) as Tensor
    ).dataSync();
    const output = run().trim();
    const loaded: number[] = JSON.parse(output.slice(output.lastIndexOf('\n') + 1));
    t.equal(loaded.length, expected.length);
    const worst = Math.max(...loaded.map((value, i) => Math.abs(value - expected[i])));
    t.ok(worst < 1e-4, `${name}: off by ${worst}`);
    t.match(readFileSync(join(folder, 'model.json'), 'utf8'), /"(block2|down2)\/conv1?"/);
  }
});
