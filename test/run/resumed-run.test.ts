/** What a run may be resumed with, and what is said where it cannot be. */
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { TrainOptions } from '../../src/run/config.js';
import { changedSettings } from '../../src/run/resume-settings.js';
import { train } from '../../src/run/train.js';
import type { RunStart } from '../../src/run/train-context.js';

const base: TrainOptions = {
  engine: 'wasm',
  model: 'mlp',
  batchSize: 64,
  limitBatches: 3,
  workers: 0,
  lr: 0.001,
  schedule: 'constant',
  optimizer: 'sgd',
};

/** A run of one epoch. */
async function oneEpoch(folder: string, options: TrainOptions = {}): Promise<string> {
  const { folder: out = '' } = await train({ ...base, epochs: 1, out: folder, ...options });
  return out;
}

t.test('settings: listed where they may change, refused where it would be another run', t => {
  t.same(
    changedSettings({ verify: 'step', gpus: 3, workers: 0 }, { verify: 'epoch', gpus: '3', workers: 0 }),
    ['verify epoch → step'],
  );
  t.same(changedSettings({ gradClip: 2, momentum: 0.9 }, {}), ['gradClip none → 2', 'momentum none → 0.9']);
  const refused: [TrainOptions, TrainOptions, string][] = [
    [{ data: 'a' }, { data: 'b' }, 'data'],
    [{ accumulate: 2 }, { accumulate: 1 }, 'accumulate'],
    [{ epochs: 4 }, { epochs: 3, schedule: 'one-cycle' }, 'epochs'],
    [{ lr: 0.1 }, { lr: 0.01, schedule: 'cosine' }, 'lr'],
    [{ dryRun: true }, {}, 'dryRun'],
    [{ out: 'elsewhere' }, {}, 'out'],
  ];
  for (const [given, own, where] of refused)
    t.throws(() => changedSettings(given, own), { code: 'E_CONFIG', where }, where);
  t.same(changedSettings({ epochs: 4 }, { epochs: 3, schedule: 'cosine' }), ['epochs 3 → 4']);
  t.same(changedSettings({ lr: 0.1 }, { lr: 0.01, schedule: 'one-cycle' }), ['lr 0.01 → 0.1']);
  t.end();
});

t.test('settings that bring a new state begin with it: momentum, averages, bounds', async t => {
  const out = await oneEpoch(join(t.testdir(), 'run'));
  let start: RunStart | undefined;
  const given: TrainOptions = { epochs: 2, momentum: 0.9, ema: 0.9, earlyStop: 5, gpus: 2, gradClip: 1 };
  const { epochs, validLoss } = await train(
    { resume: out, ...given },
    {
      onStart: told => {
        start = told;
      },
    },
  );
  t.equal(epochs, 2);
  t.ok(Number.isFinite(validLoss));
  t.equal(start?.resumed?.changed.length, Object.keys(given).length);
  const { folder = '' } = await train({ resume: out, epochs: 3, ema: undefined });
  t.match(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')), { epochs: 3 });
});

t.test('damaged newest checkpoint of a folder: refused, with the command for the one before it', async t => {
  const out = await oneEpoch(join(t.testdir(), 'run'), { epochs: 3, checkpoint: 1 });
  const folder = join(out, 'checkpoints');
  const names = readdirSync(folder)
    .filter(name => name.endsWith('.safetensors'))
    .sort();
  const [before, newest] = names.slice(-2).map(name => join(folder, name));
  truncateSync(newest, 1000);
  const error = await train({ resume: out, epochs: 4 }).catch(error => error);
  t.match(error, {
    code: 'E_CHECKPOINT',
    message: /safetensors is damaged: it has 1000 bytes/,
    where: newest,
    hint: `go on from the newest good one: --resume ${before.replace('.safetensors', '')}`,
  });
  const { epochs } = await train({ resume: before, epochs: 4 });
  t.equal(epochs, 4, 'which does what it says');
});

t.test('nothing to resume, or no longer the same data', async t => {
  const folder = t.testdir();
  const none = await oneEpoch(join(folder, 'none'), { checkpoint: 0 });
  await t.rejects(train({ resume: none, epochs: 2 }), {
    code: 'E_CHECKPOINT',
    message: /holds no checkpoint: there is nothing to resume/,
    hint: /start it again/,
  });
  mkdirSync(join(none, 'checkpoints'));
  writeFileSync(join(none, 'checkpoints', 'epoch-001-step-000003.safetensors.tmp'), 'killed');
  await t.rejects(train({ resume: none, epochs: 2 }), { message: /nothing to resume/ });
  await t.rejects(train({ resume: join(folder, 'nowhere') }), {
    code: 'E_CHECKPOINT',
    message: /no config\.json/,
  });

  const out = await oneEpoch(join(folder, 'run'));
  const [name] = readdirSync(join(out, 'checkpoints')).filter(file => file.endsWith('.json'));
  const path = join(out, 'checkpoints', name);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"samples": 10000', '"samples": 9999'));
  await t.rejects(train({ resume: out, epochs: 2 }), {
    code: 'E_CHECKPOINT',
    message: /made with 9999 samples .* there are 10000 now/,
  });
});

t.test(
  'a run that was cut off behind its last checkpoint leaves its model and summary after all',
  async t => {
    const out = await oneEpoch(join(t.testdir(), 'run'), { ema: 0.9 });
    const read = (name: string): Buffer => readFileSync(join(out, name));
    const before = {
      weights: read('weights.bin'),
      metrics: read('metrics.jsonl'),
      summary: read('summary.json'),
    };
    await t.rejects(train({ resume: out }), { code: 'E_CONFIG', where: 'epochs' }, 'it is done');
    for (const name of ['summary.json', 'model.json', 'weights.bin']) rmSync(join(out, name));
    await train({ resume: out });
    t.ok(before.weights.equals(read('weights.bin')));
    t.ok(before.metrics.equals(read('metrics.jsonl')));
    const { replicaChecksums, validLoss, epochs } = JSON.parse(String(before.summary));
    t.match(JSON.parse(String(read('summary.json'))), { replicaChecksums, validLoss, epochs });
  },
);

t.test('a run that goes on clears what a killed program has left half written', async t => {
  const out = await oneEpoch(join(t.testdir(), 'run'));
  writeFileSync(join(out, 'model.json.tmp'), '{');
  writeFileSync(join(out, 'checkpoints', 'epoch-002-step-000005.safetensors.tmp'), '');
  await train({ resume: out, epochs: 2 });
  const files = readdirSync(out, { recursive: true }).map(String);
  t.same(
    files.filter(name => name.endsWith('.tmp')),
    [],
  );
});
