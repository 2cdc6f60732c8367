/** Throughput and device statistics. */
import t from 'tap';
import { DeviceStatsCB } from '../../src/callbacks/device-stats.js';
import { type Throughput, ThroughputCB } from '../../src/callbacks/throughput.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { parseGpuLoad } from '../../src/engine/gpu-load.js';
import { Learner } from '../../src/learner/learner.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { FakeLoader, FakeRunner, fakeLoaders } from '../learner/fake-runner.js';

t.test('throughput is of the last batches, and says what the time went into', async t => {
  // Batches of 2 samples that take 10, 20, 30 … ms, 5 of them waiting; the runner says 6 compute, 2 reduce, 1 update.
  let now = 0;
  const loaders = {
    train: new FakeLoader(Array.from({ length: 5 }, () => [0, 1])),
    valid: new FakeLoader([[0, 1, 1]]),
  };
  loaders.train.waitMs = 0;
  loaders.train.onBatch = index => {
    now += (index + 1) * 10;
    loaders.train.waitMs = (index + 1) * 5;
  };
  loaders.valid.onBatch = () => {
    now += 10;
  };
  const reports: Throughput[] = [];
  const throughput = new ThroughputCB({ window: 2, every: 2, report: one => reports.push(one) });
  t.same(throughput.trackedValues(), {}, 'nothing yet');
  const learn = new Learner(new FakeRunner(), loaders, {
    cbs: [new TrainCB(), throughput],
    clock: () => now,
  });
  await learn.fit(1, { valid: false });
  t.same(reports, [
    {
      phase: 'train',
      batches: 2,
      imagesPerSecond: 4000 / 30,
      step: { mean: 15, median: 15, slowest: 20 },
      shares: { data: 10 / 30, compute: 12 / 30, reduce: 4 / 30, update: 2 / 30 },
    },
    {
      phase: 'train',
      batches: 2,
      imagesPerSecond: 4000 / 70,
      step: { mean: 35, median: 35, slowest: 40 },
      shares: { data: 10 / 70, compute: 12 / 70, reduce: 4 / 70, update: 2 / 70 },
    },
  ]);
  t.equal(throughput.trackedValues()['throughput/stepMs'], 45);
  await learn.fit(1, { train: false });
  t.same(
    throughput.current?.shares,
    { compute: 0.6 },
    'a loader that does not tell, a phase without reduction',
  );
  t.throws(() => new ThroughputCB({ window: 0 }), { code: 'E_CONFIG', message: /window/ });
});

t.test('device statistics of a runner that tells nothing', async t => {
  const stats = new DeviceStatsCB({ everyBatches: 2 });
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB(), stats] });
  await learn.fit(1);
  t.same(
    stats.history.map(({ phase, step }) => [phase, step]),
    [
      ['train', 2],
      ['train', 2],
      ['valid', 2],
    ],
  );
  const last = stats.history[2];
  t.ok(last.residentBytes > last.heapBytes && last.heapBytes > 1e6);
  t.ok(last.eventLoopDelay.max >= last.eventLoopDelay.mean && last.eventLoopDelay.mean >= 0);
  t.match(last.skipped, ['replicas: this runner does not tell their memory', 'gpus: no replica runs on one']);
  t.same(Object.keys(stats.trackedValues()).length, 4);
});

t.test('device statistics of real replicas', async t => {
  const coordinator = makeCoordinator(2);
  t.teardown(() => coordinator.close());
  const ring = syntheticRing(6);
  const loader = {
    length: 1,
    async *[Symbol.asyncIterator]() {
      yield batchOf(ring, 6);
    },
  };
  const stats = new DeviceStatsCB();
  await new Learner(coordinator, { train: loader, valid: loader }, { cbs: [new TrainCB(), stats] }).fit(1);
  const [{ replicas, skipped }] = stats.history;
  t.same(
    replicas.map(({ device }) => device),
    coordinator.devices,
  );
  // The model alone: 36 inputs, 50 hidden units, 4 classes or so, in float32.
  t.ok(replicas.every(({ tensors, bytes }) => tensors > 3 && bytes > 1000));
  t.same(skipped, ['gpus: no replica runs on one']);
  t.equal(stats.trackedValues()['replica1/bytes'], stats.history[1].replicas[1].bytes);
});

t.test("the driver's answer, with what a GPU does not tell", async t => {
  t.same(parseGpuLoad('0, 97, 11023, 81559, 61, 402.17\n1, 0, 4, 81559, 30, [N/A]\n\n'), [
    { index: 0, busy: 0.97, memoryUsedMiB: 11023, memoryMiB: 81559, temperature: 61, watts: 402.17 },
    { index: 1, busy: 0, memoryUsedMiB: 4, memoryMiB: 81559, temperature: 30 },
  ]);
  t.same(parseGpuLoad(''), []);
});
