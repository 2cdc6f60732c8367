/** The program as its users run it. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as tfc from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import t, { type Test } from 'tap';
import { openData } from '../../src/data/open-dataset.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import type { EpochRecord } from '../../src/run/epoch-record.js';
import type { TrainSummary } from '../../src/run/summary.js';
import { imageFolder } from '../fixtures/images.js';
import { trainCommand } from './command.js';

const withoutAddon = isAddonBuilt()
  ? false
  : 'the addon of the torch engine is not built (npm run build:native)';

const readJson = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8'));
const readLines = (...path: string[]): EpochRecord[] =>
  readFileSync(join(...path), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));

/** Loads the model as a browser or a stock Node program would: over HTTP, with nothing of gradring. */
async function loadWithStockTensorFlow(folder: string): Promise<tfl.LayersModel> {
  const server = createServer((request, response) => {
    response.end(readFileSync(join(folder, request.url ?? '')));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await tfc.setBackend('cpu');
    return await tfl.loadLayersModel(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`);
  } finally {
    server.close();
  }
}

t.test('three replicas on the sample: rows, run folder, a model that stock TensorFlow.js loads', async t => {
  const out = join(t.testdir(), 'run');
  const args = ['--engine', 'wasm', '--gpus', '3', '--model', 'mlp', '--epochs', '2', '--out', out];
  const ended = await trainCommand(args);
  t.equal(ended.code, 0, ended.stderr);
  t.match(ended.stderr, /devices {2}wasm:0, wasm:1, wasm:2 .*No GPU/);
  t.match(ended.stderr, /model {4}mlp, 39 760 parameters/);
  t.match(ended.stderr, /batch 192 = 64 \+ 64 \+ 64/);
  t.match(ended.stderr, /\n +1 +0\.\d+ +0\.\d+ +\d+\.\d %/, 'a row for each epoch');
  t.strictSame(readdirSync(out).sort(), [
    'checkpoints',
    'config.json',
    'env.json',
    'log.jsonl',
    'metrics.jsonl',
    'model.json',
    'summary.json',
    'weights.bin',
  ]);
  const summary = readJson<TrainSummary>(out, 'summary.json');
  t.match(summary, {
    engine: 'wasm',
    replicas: ['wasm:0', 'wasm:1', 'wasm:2'],
    epochs: 2,
    parameters: 39760,
  });
  t.ok((summary.accuracy ?? 0) > 0.8, `accuracy ${summary.accuracy}`);
  t.equal(new Set(summary.replicaChecksums).size, 1);
  const epochs = readLines(out, 'metrics.jsonl');
  t.strictSame(
    epochs.map(({ epoch, step }) => [epoch, step]),
    [
      [1, 53],
      [2, 106],
    ],
  );
  t.equal(epochs[1].validLoss, summary.validLoss);
  const shares = epochs.map(({ dataShare = Number.NaN }) => dataShare);
  const share = summary.dataShare ?? Number.NaN;
  t.ok(
    Math.min(...shares) <= share && share <= Math.max(...shares),
    `waited for data: ${share} of ${shares}`,
  );
  t.match(readJson(out, 'config.json'), { model: 'mlp', gpus: '3', seed: 42, batchSize: 192 });
  t.match(readJson(out, 'env.json'), {
    node: process.version,
    packages: { '@tensorflow/tfjs-core': '4.22.0' },
  });

  const model = await loadWithStockTensorFlow(out);
  const { valid } = await openData('sample');
  const { normalisation } = readJson<{ normalisation: { mean: number[]; std: number[] } }>(
    out,
    'config.json',
  );
  let correct = 0;
  const rows = Array.from({ length: 200 }, (_, i) => i * 10);
  for (const row of rows) {
    const { pixels, label } = await valid.get(row);
    const x = Float32Array.from(pixels, v => (v / 255 - normalisation.mean[0]) / normalisation.std[0]);
    const scores = model.predict(tfc.tensor4d(x, [1, 28, 28, 1])) as tfc.Tensor;
    if (tfc.argMax(scores, 1).dataSync()[0] === label) correct++;
  }
  const [low, high] = [summary.accuracy ?? 0, summary.accuracy ?? 0].map((a, i) => 200 * a + (i ? 20 : -20));
  t.ok(
    correct >= low && correct <= high,
    `${correct} of 200 right, as its accuracy of ${summary.accuracy} says`,
  );
});

async function sameForAny(t: Test, engine: string, replicas: readonly number[]): Promise<void> {
  const folder = t.testdir();
  const run = async (
    name: string,
    gpus: number,
  ): Promise<{ summary: TrainSummary; epochs: EpochRecord[] }> => {
    const out = join(folder, name);
    const args = [
      '--engine',
      engine,
      '--gpus',
      String(gpus),
      '--model',
      'cnn',
      '--epochs',
      '2',
      '--lr',
      '0.003',
      '--out',
      out,
    ];
    const { code, stderr } = await trainCommand([...args, '--log', 'quiet']);
    t.strictSame([code, stderr], [0, '']);
    return { summary: readJson<TrainSummary>(out, 'summary.json'), epochs: readLines(out, 'metrics.jsonl') };
  };
  const one = await run('one', 1);
  for (const gpus of replicas) {
    const { epochs, summary } = await run(`of-${gpus}`, gpus);
    t.equal(new Set(summary.replicaChecksums).size, 1);
    for (const [i, epoch] of epochs.entries()) {
      for (const loss of ['trainLoss', 'validLoss'] as const) {
        const expected = one.epochs[i][loss] ?? Number.NaN;
        const difference = Math.abs((epoch[loss] ?? Number.NaN) - expected) / expected;
        t.ok(difference < 1e-5, `${gpus} replicas, epoch ${i + 1}, ${loss}: ${difference}`);
      }
    }
  }
  const again = await run('again', 1);
  t.strictSame(again.summary.replicaChecksums, one.summary.replicaChecksums, 'bitwise equal');
}

t.test('any number of replicas learns the same, and the same command does the same twice', async t => {
  await sameForAny(t, 'wasm', [2, 3, 5]);
});

t.test('so it does on the torch engine', { skip: withoutAddon }, async t => {
  await sameForAny(t, 'torch', [3]);
});

t.test('a recipe and a folder of the user', async t => {
  const folder = t.testdir({
    'recipe.mjs': `export default {
      name: 'mine',
      model: (tf, { imageShape, classes, options }) => tf.sequential({ layers: [
        tf.layers.flatten({ inputShape: [...imageShape] }),
        tf.layers.dense({ units: options.hidden, activation: 'tanh' }),
        tf.layers.dense({ units: classes.length }) ] }),
      metrics: { zeros: (tf, predictions) => tf.sum(tf.cast(tf.less(predictions, 0), 'float32')) },
    };`,
  });
  const data = await imageFolder(join(folder, 'data'), { perClass: 20 });
  const args = [
    '--gpus',
    '2',
    '--data',
    data,
    '--recipe',
    join(folder, 'recipe.mjs'),
    '--options',
    '{"hidden":5}',
  ];
  const out = join(folder, 'run');
  const ended = await trainCommand([
    ...args,
    '--batch-size',
    '7',
    '--epochs',
    '8',
    '--out',
    out,
    '--log',
    'json',
  ]);
  t.equal(ended.code, 0, ended.stderr);
  const lines = ended.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.strictSame(
    lines.map(({ event }) => event),
    ['warning', ...Array(8).fill('epoch'), 'summary'],
  );
  t.match(lines[0], { code: 'W_UNEVEN_SHARDS', hint: 'a batch size of 6 or 8 divides evenly' });
  t.type(lines[1].zeros, 'number', "the recipe's metric is a column");
  t.equal(lines.at(-1).parameters, 64 * 5 + 5 + 5 * 2 + 2);
  t.equal(lines.at(-1).accuracy, 1, 'bright and dark are told apart');
});
