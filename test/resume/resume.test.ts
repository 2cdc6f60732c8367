/** Killed twice while a checkpoint is half written, a run comes to the bits of one that nobody killed. */
import { join } from 'node:path';
import t from 'tap';
import { killAndResume, undisturbed } from './kill-and-resume.js';

const args = [
  ...['--engine', 'wasm', '--gpus', '2', '--model', 'mlp', '--epochs', '3', '--limit-batches', '25'],
  ...['--augment', '--ema', '0.9', '--checkpoint-steps', '5'],
];

t.test('SIGKILL of the whole program, and --resume', async t => {
  const folder = t.testdir();
  const expected = await undisturbed(args, join(folder, 'whole'));
  const points = [
    // The first checkpoint: nothing is left to go on from.
    { when: 'saving', file: 1 },
    { when: 'saving', file: 5 },
  ] as const;
  const { kills, summary, restarts } = await killAndResume(args, join(folder, 'killed'), points);
  t.equal(kills.length, points.length);
  t.match(kills[0], { left: undefined });
  t.equal(restarts, 1, 'told to start again');
  t.match(kills[1].left, /step \d+/);
  t.same(summary.replicaChecksums, expected.replicaChecksums);
  t.equal(summary.validLoss, expected.validLoss);
  t.equal(summary.epochs, 3);
});
