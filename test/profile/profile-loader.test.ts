/** The verdict of real measurements, where one side is slower than the other by far. */
import t from 'tap';
import { DataLoader } from '../../src/data/data-loader.js';
import type { Dataset } from '../../src/data/dataset.js';
import { ArrayDataset } from '../../src/data/datasets/array-dataset.js';
import { AbortedError, ConfigError } from '../../src/errors.js';
import { driveLoader } from '../../src/profile/drive-loader.js';
import { profileLoader } from '../../src/profile/profile-loader.js';
import { planProfile, workerCounts } from '../../src/profile/profile-options.js';

const imageShape = [28, 28, 1] as const;
const classes = Array.from({ length: 10 }, (_, label) => String(label));
/** Many enough that no epoch ends while a training is measured. */
const count = 4096;
const labels = Int32Array.from({ length: count }, (_, row) => row % classes.length);
const inMemory = (): Dataset =>
  ArrayDataset.from({ pixels: new Uint8Array(count * 784), labels, imageShape, classes });

/** Only the caller can read it, and each sample takes the processor 3 ms. */
const slow: Dataset = {
  length: count,
  classes,
  imageShape,
  labels,
  async get(index) {
    const end = performance.now() + 3;
    while (performance.now() < end);
    return { pixels: new Uint8Array(784), label: labels[index], index };
  },
  describe: index => `row ${index}`,
};

t.test('a dataset that takes its time: loader-bound', async t => {
  const options = { data: slow, seconds: 0.2, batchSize: 16, engine: 'wasm', model: 'mlp' } as const;
  const { dataset, workers, device, training, gather, verdict } = await profileLoader(options);
  t.match(dataset, { name: 'own dataset', storage: 'own', meanFileBytes: null, decoders: {} });
  t.ok(dataset.stepsUs.decode >= 2900, `${dataset.stepsUs.decode} µs in get`);
  t.strictSame(
    workers.map(({ workers }) => workers),
    [0],
  );
  const rate = workers[0].imagesPerSecond.median;
  t.ok(rate > 0 && rate < 1000 / 3, `${rate} img/s`);
  t.ok(gather.imagesPerSecond.median > 10 * rate);
  t.ok((device?.imagesPerSecond.median ?? 0) > 2 * rate, 'the device takes more');
  t.ok((training?.dataShare ?? 0) > 0.5, `waits ${training?.dataShare} of the time`);
  t.equal(verdict.bound, 'loader', verdict.sentence);
  t.match(verdict.advice.join(), /packDataset/);
});

t.test('a model that takes its time: device-bound', async t => {
  const options = { data: inMemory(), seconds: 0.1, batchSize: 32, engine: 'wasm', model: 'resnet' } as const;
  const told: string[] = [];
  const { dataset, workers, device, training, verdict } = await profileLoader(
    { ...options, workers: [1, 0, 1] },
    { onProgress: what => told.push(what) },
  );
  t.match(dataset, { storage: 'raw', decoded: false, decoders: {} });
  t.strictSame([dataset.stepsUs.read, dataset.stepsUs.inflate], [0, 0]);
  t.strictSame(
    workers.map(({ workers }) => workers),
    [0, 1],
    'ascending, each once',
  );
  t.ok((device?.imagesPerSecond.median ?? Number.NaN) < workers[1].imagesPerSecond.median / 5);
  t.ok((training?.dataShare ?? 1) < 0.1, `waits ${training?.dataShare} of the time`);
  t.equal(verdict.bound, 'device', verdict.sentence);
  t.equal(told.length, 6);
});

t.test('decoders that are slower than their consumer always have a slot', async t => {
  const options = { seconds: 0.2, workers: 1, wholeEpoch: false };
  const loader = new DataLoader(slow, { batchSize: 8, numWorkers: 0 });
  t.teardown(() => loader.close());
  const { slotWaitShare, batchMs } = await driveLoader(loader, options);
  t.ok(slotWaitShare < 0.2, `${slotWaitShare} of the time without a slot`);
  t.ok(batchMs.p50 >= 8 * 3 * 0.9);
});

t.test('an abort ends it, whatever is being measured', async t => {
  for (const at of ['one sample', 'loader', 'memory', 'devices', 'training']) {
    const controller = new AbortController();
    const onProgress = (what: string): void => {
      if (what.includes(at)) setImmediate(() => controller.abort());
    };
    const options = {
      data: inMemory(),
      seconds: 0.1,
      workers: [1],
      batchSize: 16,
      engine: 'cpu',
      model: 'mlp',
    } as const;
    await t.rejects(profileLoader(options, { signal: controller.signal, onProgress }), AbortedError, at);
  }
});

t.test('options', async t => {
  t.strictSame([1, 2, 3, 4, 6, 16].map(workerCounts), [
    [0, 1],
    [0, 1, 2],
    [0, 1, 2, 3],
    [0, 1, 2, 4],
    [0, 1, 2, 4, 6],
    [0, 1, 2, 4, 8, 16],
  ]);
  t.match(planProfile({}), { data: 'sample', prefetch: 2, seconds: 2, device: true });
  for (const bad of [
    { seconds: 0 },
    { prefetch: 0 },
    { workers: [] },
    { workers: [1.5] },
    { batchSize: 0 },
  ]) {
    t.throws(() => planProfile(bad), ConfigError, JSON.stringify(bad));
  }
});
