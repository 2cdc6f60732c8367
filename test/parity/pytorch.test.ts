/**
 * The ResNet trained here and by PyTorch, from the same weights, on the same batches, with the same settings of AdamW.
 *
 * Training amplifies rounding: Adam's steps have the size of the rate whatever the gradient's, so a float32 weight that
 * differs in its last bit differs more after each step, about twice as much at a rate of 1e-3. PyTorch in float32 is
 * 4e-2 away from itself in float64 after 50 steps at 1e-2, 1e-4 at 3e-5. Hence two comparisons: at a rate where float32
 * determines the losses, all of them must be equal; at the rate of a real training ours must be as near to the exact
 * losses as PyTorch's are in channels_last, the layout to train with. (Its batch norm on processors rounds 4e-6 off there,
 * 50 times what it does in the contiguous layout: enough to move a ReLU to its other side in the first step.)
 */
import t from 'tap';
import { runPeer } from '../../bench/peer.js';
import { pythonWith } from '../../bench/python.js';
import { openData } from '../../src/data/open-dataset.js';
import { engineFactories } from '../../src/engine/registry.js';
import { SharedTask } from './shared-task.js';

const python = await pythonWith('torch');
const skip = python === undefined && 'no Python here has PyTorch: nothing to compare with';
const { ok: isBuilt } = await engineFactories.torch.available();
const engine = isBuilt ? 'torch' : 'wasm';
const { train } = await openData('sample');

async function pytorch(folder: string, ...options: string[]): Promise<number[]> {
  const started = { python: python!, signal: new AbortController().signal };
  const result = await runPeer('parity.py', [folder, ...options], started);
  return (result as { losses: number[] }).losses;
}

/** How far each loss is from the expected one, relatively. */
const distances = (losses: readonly number[], expected: readonly number[]): number[] =>
  expected.map((loss, step) => Math.abs(losses[step] / loss - 1));

const rootMeanSquare = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

t.test(
  '50 steps: every loss within 1e-4, of one process and of DistributedDataParallel',
  { skip },
  async t => {
    const task = await SharedTask.of(train, { steps: 50, batch: 32, maxLr: 1e-5 });
    const folder = t.testdir({});
    for (const replicas of [1, 2]) {
      const { start, losses } = await task.train(engine, replicas);
      task.write(folder, start);
      const expected = await pytorch(folder, '--processes', String(replicas));
      t.equal(expected.length, 50);
      t.ok(expected[49] < 0.8 * expected[0], 'something was learnt');
      const furthest = Math.max(...distances(losses, expected));
      t.ok(furthest < 1e-4, `${engine}, ${replicas} replica(s): ${furthest.toExponential(1)} apart at most`);
    }
  },
);

t.test('at a real rate: as near to the exact losses as PyTorch in float32', { skip }, async t => {
  const task = await SharedTask.of(train, { steps: 20, batch: 32, maxLr: 1e-2 });
  const folder = t.testdir({});
  const { start, losses } = await task.train(engine, 1);
  task.write(folder, start);
  const exact = await pytorch(folder, '--precision', 'fp64');
  const ours = rootMeanSquare(distances(losses, exact));
  const float32 = await pytorch(folder, '--layout', 'channels_last');
  const theirs = rootMeanSquare(distances(float32, exact));
  const figures = `${engine} ${ours.toExponential(1)}, PyTorch ${theirs.toExponential(1)}`;
  t.ok(ours < 3 * theirs, `root mean square distance from float64: ${figures}`);
});
