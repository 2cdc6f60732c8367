/** Runs over data of which some images cannot be used. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { TrainOptions } from '../../src/run/config.js';
import { train } from '../../src/run/train.js';
import { imageFolder } from '../data/fixtures.js';
import { tinyRun } from './tiny-run.js';

const root = t.testdir();
const [clean, dirty] = [join(root, 'clean'), join(root, 'dirty')];
await imageFolder(join(clean, 'train'), 8, [6, 6, 1]);
await imageFolder(join(clean, 'valid'), 3, [6, 6, 1]);
cpSync(clean, dirty, { recursive: true });
/** In the order of the folder: before, between and behind the others. */
const spoilt = [
  'train/ant/000a.png',
  'train/bee/0.png',
  'train/bee/004b.png',
  'train/cat/9.png',
  'valid/cat/1.png',
];
for (const name of spoilt) writeFileSync(join(dirty, name), 'no image');

const options = (name: string, own: TrainOptions): TrainOptions =>
  tinyRun(join(root, 'runs', name), {
    limitBatches: undefined,
    optimizer: 'sgd',
    schedule: 'constant',
    lr: 0.05,
    epochs: 2,
    onBadSample: 'skip',
    ...own,
  });

const linesOf = (folder: string | undefined): Record<string, unknown>[] =>
  readFileSync(join(folder ?? '', 'bad-samples.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));

t.test('what is trained is what the good images make; the others are listed and told of', async t => {
  // All in one batch, so that both runs make the same steps.
  const whole = await train(options('clean', { data: clean, batchSize: 64 }));
  const told: string[] = [];
  const onWarning = ({ code, message }: { code: string; message: string }): void => {
    if (code === 'W_BAD_SAMPLE') told.push(message);
  };
  const left = await train(options('dirty', { data: dirty, batchSize: 64, workers: 2 }), { onWarning });
  for (const figure of ['trainLoss', 'validLoss', 'accuracy'] as const) {
    const [found, expected] = [Number(left[figure]), Number(whole[figure])];
    t.ok(Math.abs(found - expected) < 1e-5 * Math.abs(expected), `${figure}: ${found}, ${expected}`);
  }
  const lines = linesOf(left.folder);
  t.same(
    lines.map(({ set, where }) => `${set} ${String(where).split(' (row')[0]}`).sort(),
    spoilt.map(name => `${name.split('/')[0]} ${join(dirty, name)}`).sort(),
    'each once, whatever the epochs',
  );
  t.ok(lines.every(({ row, reason }) => Number.isInteger(row) && /unsupported image/.test(String(reason))));
  t.equal(told.length, spoilt.length);
});

t.test('a run that is taken up in the middle of an epoch leaves out the same ones', async t => {
  const data = { data: dirty, batchSize: 6, epochs: 2, checkpointSteps: 2 };
  const { replicaChecksums: whole } = await train(options('whole', data));
  const { folder } = await train(options('left', { ...data, maxSteps: 3, workers: 1 }));
  const resume = join(folder ?? '', 'checkpoints', 'epoch-001-step-000002');
  const { replicaChecksums: resumed } = await train({ resume, maxSteps: 1000, workers: 2 });
  t.same(resumed, whole);
});

t.test('more than the limit end the run, and by default the first one does', async t => {
  const limited = train(options('limited', { data: dirty, maxBadSamples: 3 }));
  await t.rejects(limited, { code: 'E_SAMPLE', message: /^more than 3 samples cannot be used: / });
  t.equal(linesOf(join(root, 'runs', 'limited')).length, 4, 'they are listed all the same');
  const strict = train(options('strict', { data: dirty, onBadSample: 'fail' }));
  await t.rejects(strict, { code: 'E_SAMPLE', message: /cannot decode .*png/ });
});
