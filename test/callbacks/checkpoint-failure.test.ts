/** What a fit that ends with an error leaves behind: all of it where that is known to be whole, else something to look at. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CheckpointCB } from '../../src/callbacks/checkpoint.js';
import { EmaCB } from '../../src/callbacks/ema.js';
import { GradientAccumulationCB } from '../../src/callbacks/gradient-accumulation.js';
import { GradientClipCB } from '../../src/callbacks/gradient-clip.js';
import { listCheckpoints } from '../../src/checkpoint/read-files.js';
import type { Dataset } from '../../src/data/dataset.js';
import { SampleError } from '../../src/errors.js';
import { Callback } from '../../src/learner/callback.js';
import type { Learner } from '../../src/learner/learner.js';
import { makeRun, noiseDataset, type RunOptions } from '../checkpoint/runs.js';
import type { FaultyOptions } from '../fixtures/faulty-recipe.js';

const epochs = 3;
const never: FaultyOptions = { fault: 'throw', place: 'loss', replica: 1, call: 1e9 };
/** Of the losses: four training batches and a validation batch an epoch. */
const failing = (call: number, fault: FaultyOptions['fault'] = 'throw'): FaultyOptions => ({
  ...never,
  fault,
  call,
});
const faulty = (fault: FaultyOptions): RunOptions => ({ model: 'faulty-recipe', fault });

/** Fits until the error, resumes without its cause, and compares with a fit that never failed. */
async function failAndResume(t: Test, broken: RunOptions, whole: RunOptions, cbs = (): Callback[] => []) {
  const folder = join(t.testdir(), 'checkpoints');
  const saving = () => new CheckpointCB({ folder, saveOnException: true });
  const run = makeRun({ ...broken, cbs: [saving(), ...cbs(), ...(broken.cbs ?? [])] });
  t.teardown(run.close);
  const failure = await run.learner.fit(epochs).catch(error => error);
  await run.close();
  const newest = (await listCheckpoints(folder)).at(-1);
  const rest = makeRun({ ...whole, cbs: [saving(), ...cbs()] });
  const reference = makeRun({ ...whole, cbs: cbs() });
  t.teardown(rest.close);
  t.teardown(reference.close);
  await reference.learner.fit(epochs);
  await rest.learner.fit(epochs, { resume: folder });
  t.same(await rest.coordinator.verifyReplicas(), await reference.coordinator.verifyReplicas());
  const exceptions = existsSync(join(folder, 'exception')) ? readdirSync(join(folder, 'exception')) : [];
  return { failure, step: newest?.info.globalStep, position: newest?.info.position, exceptions };
}

t.test('a sample that cannot be read: the fit goes on at that batch once it can', async t => {
  const dataset = noiseDataset(100);
  let reads = 0;
  const spoilt: Dataset = {
    ...dataset,
    async get(row) {
      // In the third batch of the second epoch.
      if (++reads > 170) throw new SampleError('torn image', { where: `row ${row}` });
      return dataset.get(row);
    },
  };
  const { failure, position, exceptions } = await failAndResume(t, { train: spoilt }, {});
  t.match(failure, { code: 'E_SAMPLE' });
  t.match(position, { epoch: 1, phase: 'train', batch: Number });
  t.ok((position?.batch ?? 0) > 0, 'the batches before it are not lost');
  t.same(exceptions, []);
});

for (const [replica, fault] of [
  [0, 'throw'],
  [0, 'exit'],
  [1, 'exit'],
] as const) {
  t.test(`replica ${replica} fails in a step (${fault}): what the other has is saved`, async t => {
    const { failure, step, position, exceptions } = await failAndResume(
      t,
      faulty({ ...failing(7, fault), replica }),
      faulty(never),
    );
    t.match(failure, { code: 'E_REPLICA' });
    t.equal(step, 6);
    t.same(position, { epoch: 1, phase: 'train', batch: 2 });
    t.same(exceptions, []);
  });
}

t.test('in a step of several messages too, unless a callback keeps a part of the batch', async t => {
  const clipped = () => [new GradientClipCB({ norm: 1 })];
  const clip = await failAndResume(t, faulty(failing(7)), faulty(never), clipped);
  t.same([clip.step, clip.exceptions], [6, []]);
  const accumulated = () => [new GradientAccumulationCB({ batches: 2 })];
  const group = await failAndResume(t, faulty(failing(7)), faulty(never), accumulated);
  t.same([group.step, group.exceptions.length], [2, 2], 'it goes on from the epoch before');
});

t.test('a replica that fails in a validation', async t => {
  const { failure, position } = await failAndResume(t, faulty(failing(9)), faulty(never));
  t.match(failure, { code: 'E_REPLICA' });
  t.same(position, { epoch: 1, phase: 'valid', batch: 0 });
});

t.test('in a validation of averaged weights, which stood where the trained ones belong', async t => {
  const cbs = () => [new EmaCB({ decay: 0.8 })];
  const { failure, position, exceptions } = await failAndResume(t, faulty(failing(9)), faulty(never), cbs);
  t.match(failure, { code: 'E_REPLICA' });
  t.same(position, { epoch: 1, phase: 'valid', batch: 0 });
  t.same(exceptions, []);
});

t.test('a callback that fails: nobody knows who has seen the batch', async t => {
  class Fails extends Callback {
    override order = -1;
    override afterBatch(learn: Learner): void {
      if (learn.globalStep === 6) throw new Error('disk on fire');
    }
  }
  const { failure, step, exceptions } = await failAndResume(t, { cbs: [new Fails()] }, {});
  t.match(failure, { message: 'disk on fire' });
  t.equal(step, 4);
  t.same(exceptions, ['step-6.json', 'step-6.safetensors']);
});

t.test('weights that are spoilt are never what a fit goes on from', async t => {
  const folder = join(t.testdir(), 'checkpoints');
  class Spoils extends Callback {
    override async beforeBatch({ globalStep, runner }: Learner): Promise<void> {
      if (globalStep !== 5) return;
      const { parameters, buffers } = await runner.getState();
      await runner.setState({ parameters: parameters.fill(Number.NaN), buffers });
    }
  }
  const run = makeRun({ cbs: [new Spoils(), new CheckpointCB({ folder, saveOnException: true })] });
  t.teardown(run.close);
  await t.rejects(run.learner.fit(epochs), { code: 'E_DIVERGED' });
  t.same(
    (await listCheckpoints(folder)).map(({ info }) => info.globalStep),
    [4],
  );
});
