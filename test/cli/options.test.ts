/** Every option of a run acts: what it leaves, or what it changes in the numbers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { parseFlags } from '../../src/cli/flags.js';
import { Learner } from '../../src/learner/learner.js';
import { stepCallbacksOf } from '../../src/run/callbacks-of.js';
import type { TrainOptions } from '../../src/run/config.js';
import { optimizerNames } from '../../src/run/config.js';
import { findLr } from '../../src/run/find-lr.js';
import { optimizerChoice, scheduleChoice } from '../../src/run/optimizer-choice.js';
import { resolveConfig } from '../../src/run/resolve-config.js';
import type { TrainSummary } from '../../src/run/summary.js';
import { train } from '../../src/run/train.js';
import type { RunStart, TrainContext } from '../../src/run/train-context.js';
import { FakeRunner, fakeLoaders, parameters } from '../learner/fake-runner.js';

const base: TrainOptions = {
  engine: 'wasm',
  model: 'mlp',
  batchSize: 64,
  limitBatches: 4,
  epochs: 1,
  workers: 0,
  lr: 0.001,
  schedule: 'constant',
};

const folder = t.testdir();
let runs = 0;

interface Run extends TrainSummary {
  readonly out: string;
  /** Rate of each optimizer step. */
  readonly rates: readonly number[];
  /** JSON of the newest checkpoint. */
  readonly checkpoint: {
    optimizer: { kind: string; groups: { settings: Record<string, unknown> }[] };
    average: boolean;
    globalStep: number;
  };
}

async function run(options: TrainOptions, context?: TrainContext): Promise<Run> {
  const out = options.resume === undefined ? join(folder, `run-${runs++}`) : undefined;
  const given =
    options.resume === undefined ? { ...base, track: ['jsonl' as const], out, ...options } : options;
  const summary = await train(given, context);
  const path = summary.folder ?? '';
  const rates = lines(join(path, 'steps.jsonl')).map(line => Number(line.lr));
  const names = existsSync(join(path, 'checkpoints')) ? readdirSync(join(path, 'checkpoints')) : [];
  const newest = names
    .filter(name => name.endsWith('.json'))
    .sort()
    .at(-1);
  const checkpoint = newest && JSON.parse(readFileSync(join(path, 'checkpoints', newest), 'utf8'));
  return { ...summary, out: path, rates: rates.filter(Number.isFinite), checkpoint };
}

const lines = (path: string): Record<string, unknown>[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
    : [];

t.test('as flags', t => {
  const { options, action, grace } = parseFlags([
    ...['--optimizer', 'rmsprop', '--schedule', 'exponential', '--lr-gamma', '0.5', '--grad-clip', '2'],
    ...['--accumulate', '3', '--ema', '0.99', '--label-smoothing', '0.1', '--mixup', '0.4', '--cutmix', '1'],
    ...['--rotate', '10', '--zoom', '1.2', '--brightness', '0.3', '--contrast', '0.4'],
    ...['--rand-erase', '0.2', '--augment-per-item', '--early-stop', '2', '--monitor', 'accuracy'],
    ...['--max-steps', '9', '--max-time', '1.5', '--limit-batches', '0.5', '--checkpoint', '2'],
    ...[
      '--checkpoint-steps',
      '5',
      '--keep-checkpoints',
      '3',
      '--checkpoint-minutes',
      '1.5',
      '--resume',
      'runs/7',
      '--track',
      'jsonl,csv',
      '--plot',
      '--find-lr',
    ],
    ...['--grace', '7.5'],
  ]);
  t.equal(grace, 7.5);
  t.equal(action, 'find-lr');
  t.same(options, {
    optimizer: 'rmsprop',
    schedule: 'exponential',
    lrGamma: 0.5,
    gradClip: 2,
    accumulate: 3,
    ema: 0.99,
    labelSmoothing: 0.1,
    mixup: 0.4,
    cutmix: 1,
    rotate: 10,
    zoom: 1.2,
    brightness: 0.3,
    contrast: 0.4,
    randErase: 0.2,
    augmentPerItem: true,
    earlyStop: 2,
    monitor: 'accuracy',
    maxSteps: 9,
    maxTime: 1.5,
    limitBatches: 0.5,
    checkpoint: 2,
    checkpointSteps: 5,
    keepCheckpoints: 3,
    checkpointMinutes: 1.5,
    resume: 'runs/7',
    track: ['jsonl', 'csv'],
    plot: true,
  });
  t.end();
});

t.test('what leaves files: trackers, plot, checkpoints, average', async t => {
  const { out, checkpoint } = await run({
    epochs: 2,
    track: ['jsonl', 'csv', 'tensorboard'],
    plot: true,
    ema: 0.9,
    checkpoint: 2,
    checkpointSteps: 3,
    monitor: 'accuracy',
  });
  t.equal(lines(join(out, 'steps.jsonl')).filter(line => 'loss/batch' in line).length, 8);
  t.match(readFileSync(join(out, 'steps.csv'), 'utf8'), /loss\/batch/);
  t.match(readdirSync(join(out, 'tensorboard')), [/tfevents/]);
  t.match(readFileSync(join(out, 'loss.svg'), 'utf8'), /<svg/);
  t.equal(checkpoint.average, true);
  const kept = readdirSync(join(out, 'checkpoints')).filter(name => name.endsWith('.json'));
  // Both epochs are among the best two; one of them and step 6 are the newest two.
  t.match(kept.sort(), [/001-step-000004-accuracy/, /002-step-000006\.json/, /002-step-000008-accuracy/]);
});

t.test('rates: each schedule its curve', async t => {
  const rates = async (options: TrainOptions): Promise<number[]> => {
    const config = resolveConfig({ lr: 0.001, optimizer: 'sgd', ...options });
    const runner = new FakeRunner();
    const cbs = [new TrainCB(), ...scheduleChoice(config, 8)];
    const learner = new Learner(runner, fakeLoaders(), {
      lr: config.lr,
      optFunc: optimizerChoice(config),
      cbs,
    });
    await learner.fit(4);
    return runner.stepped.map(([{ lr }]) => Number((lr / 0.001).toPrecision(6)));
  };
  t.same(await rates({ schedule: 'constant' }), [1, 1, 1, 1, 1, 1, 1, 1]);
  t.same(await rates({ schedule: 'exponential', lrGamma: 0.5 }), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
  const cosine = Array.from({ length: 8 }, (_, i) => (1 + Math.cos((Math.PI * i) / 8)) / 2);
  t.same(
    await rates({ schedule: 'cosine' }),
    cosine.map(rate => Number(rate.toPrecision(6))),
  );
  const flat = await rates({ schedule: 'flat-cos' });
  t.same(flat.slice(0, 6), [1, 1, 1, 1, 1, 1]);
  t.ok(flat[7] < 1, `${flat}`);
  const cycle = await rates({ schedule: 'one-cycle' });
  t.ok(cycle[0] === 0.04 && Math.max(...cycle) > 0.9 && cycle[7] < 0.01, `${cycle}`);
});

t.test('optimizers and their settings', t => {
  const made = (options: TrainOptions) => {
    const { kind, paramGroups } = optimizerChoice(resolveConfig(options))(parameters, 0.1);
    return { kind, ...paramGroups[0] };
  };
  for (const optimizer of optimizerNames)
    t.match(made({ optimizer, weightDecay: 0.25 }), { kind: optimizer, weightDecay: 0.25 });
  for (const optimizer of ['sgd', 'rmsprop', 'lessonMomentum'] as const)
    t.match(made({ optimizer, momentum: 0.5 }), { momentum: 0.5 });
  const refused: TrainOptions[] = [
    { momentum: 0.5, optimizer: 'adam' },
    { lrGamma: 0.5 },
    { cutmix: 1, mixup: 1 },
    { augmentPerItem: true },
    { checkpointSteps: 5, checkpoint: 0 },
    { checkpointMinutes: 5, checkpoint: 0 },
  ];
  for (const options of refused)
    t.throws(() => resolveConfig(options), { code: 'E_CONFIG', where: Object.keys(options)[0] });
  t.end();
});

t.test('what is done to a training batch, and to no other', async t => {
  const statistics = { mean: [0.3], std: [0.4] };
  const done = async (options: TrainOptions) => {
    const runner = new FakeRunner();
    const cbs = stepCallbacksOf(resolveConfig(options), statistics);
    await new Learner(runner, fakeLoaders(), { cbs }).fit(1);
    const [first, last] = [runner.batches[0], runner.batches.at(-1)!];
    t.same([last.transforms.map(({ name }) => name), last.mix], [['normalize'], undefined], 'in validation');
    return { transforms: first.transforms, mix: first.mix, calls: runner.calls };
  };
  const names = async (options: TrainOptions) => (await done(options)).transforms.map(({ name }) => name);
  t.same(await names({}), ['normalize']);
  t.same(await names({ augment: true, randErase: 0.3 }), [
    'randomCrop',
    'horizontalFlip',
    'normalize',
    'randErase',
  ]);
  const changed = await done({ rotate: 10, zoom: 1.5, brightness: 0.2, contrast: 0.3, augmentPerItem: true });
  t.match(changed.transforms, [
    { name: 'affine', options: { maxDegrees: 10, maxZoom: 1.5, perItem: true } },
    { name: 'brightness', options: { max: 0.2, perItem: true } },
    { name: 'contrast', options: { max: 0.3, perItem: true } },
    { name: 'normalize' },
  ]);
  t.match((await done({ zoom: 1.5 })).transforms[0], {
    name: 'affine',
    options: { maxDegrees: 0, maxZoom: 1.5 },
  });
  const { transforms } = await done({ augment: true, randErase: 0.3, augmentPerItem: true });
  t.same(
    transforms.map(({ options }) => options?.perItem),
    [true, true, undefined, true],
  );
  t.match(transforms[3], { options: { pct: 0.3 } });
  t.match((await done({ mixup: 0.4 })).mix, { kind: 'mixup', alpha: 0.4 });
  t.match((await done({ cutmix: 1 })).mix, { kind: 'cutmix', alpha: 1 });
  t.ok((await done({ gradClip: 2 })).calls.some(call => call.startsWith('clipGradients')));
  const steps = (calls: readonly string[]): number => calls.filter(call => call === 'step').length;
  t.equal(steps((await done({ accumulate: 2 })).calls), 1, 'of two batches');
});

t.test('the loss, and settings that the model is not made for', async t => {
  const plain = await run({});
  const smoothed = await run({ labelSmoothing: 0.1 });
  t.ok((smoothed.trainLoss ?? 0) !== plain.trainLoss);
  await t.rejects(run({ mixup: 0.4, model: 'autoencoder' }), { code: 'E_CONFIG', where: 'mixup' });
  await t.rejects(run({ monitor: 'f1' }), {
    code: 'E_CONFIG',
    where: 'monitor',
    hint: 'one of loss, accuracy',
  });
});

t.test('bounds: batches, accumulated batches, steps, seconds, epochs without progress', async t => {
  t.equal((await run({ limitBatches: 5, accumulate: 2 })).rates.length, 3);
  const steps = await run({ maxSteps: 6, epochs: 5 });
  t.match(steps, { rates: { length: 6 }, stopReason: /maxSteps/ });
  const time = await run({ maxTime: 1e-6, epochs: 5, checkpoint: 0 });
  t.match(time, { rates: { length: 1 }, stopReason: /maxTime/ });
  t.equal(time.checkpoint, undefined, 'checkpoint 0 keeps none');
  const still = await run({ earlyStop: 1, monitor: 'accuracy', lr: 1e-12, epochs: 5 });
  t.match(still, { epochs: 2, stopReason: /accuracy/ });
});

t.test('find-lr: a curve and three rates; nothing trained', async t => {
  const out = join(folder, 'find-lr');
  const found = await findLr({ ...base, limitBatches: undefined, out });
  t.ok(found.suggestions.valley > 1e-5 && found.suggestions.valley < 1, JSON.stringify(found.suggestions));
  t.strictSame(readdirSync(out).sort(), [
    'config.json',
    'env.json',
    'log.jsonl',
    'lr-find.json',
    'lr-find.svg',
  ]);
  await t.rejects(findLr({ ...base, resume: 'x' }), { code: 'E_CONFIG', where: 'resume' });
});

t.test('resume: the rest of a run, its settings, and what may be another', async t => {
  const options: TrainOptions = {
    epochs: 3,
    gpus: 2,
    schedule: 'one-cycle',
    augment: true,
    optimizer: 'adamw',
  };
  const whole = await run(options);
  const controller = new AbortController();
  let batches = 0;
  const stop = {
    order: 0,
    afterBatch: () => void (++batches === 7 && controller.abort()),
  } as unknown as NonNullable<TrainContext['callbacks']>[number];
  const cut = await run(options, { signal: controller.signal, callbacks: [stop] });
  t.equal(cut.stopped, true);
  let start: RunStart | undefined;
  const onStart = (told: RunStart): void => {
    start = told;
  };
  const rest = await run({ resume: cut.out, verify: 'step' }, { onStart });
  t.match(start?.resumed, { changed: ['verify epoch → step'] });
  t.same(rest.replicaChecksums, whole.replicaChecksums);
  t.equal(rest.epochs, 3);
  const epochs = lines(join(cut.out, 'metrics.jsonl')).map(({ epoch, step }) => [epoch, step]);
  t.same(epochs, [
    [1, 4],
    [2, 8],
    [3, 12],
  ]);
  const refused: [TrainOptions, string][] = [
    [{ batchSize: 32 }, 'batchSize'],
    [{ model: 'cnn' }, 'model'],
    [{ epochs: 9 }, 'epochs'],
    [{ out: 'elsewhere' }, 'out'],
    [{}, 'epochs'],
  ];
  for (const [given, where] of refused)
    await t.rejects(run({ resume: cut.out, ...given }), { code: 'E_CONFIG', where }, where);
  await t.rejects(run({ resume: t.testdir() }), { code: 'E_CHECKPOINT' });
});
