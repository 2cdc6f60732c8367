/** Memory of the ResNet's training step, at its peak and over many steps, beside PyTorch. */
import { ConfigError } from '../src/errors.js';
import { count } from './flags.js';
import { type Bench, type BenchOptions, compare, type Measurement, summarise } from './harness.js';
import { startPeakMemory } from './peak-memory.js';
import { engineFlags, ResNetTraining, trainingName } from './resnet-training.js';
import { syntheticBatch } from './synthetic-batch.js';
import { torchTraining } from './torch-training.js';

const megabyte = 1e6;
/** Images of a step that needs next to nothing, for each replica: batch norm wants two. */
const fewest = 2;
/** Part of the small steps that are taken before, for compilers and caches to settle. */
const warmUpShare = 0.15;

const flags = {
  ...engineFlags,
  replicas: count(2, 'replicas of one thread'),
  batch: count(512, 'global batch'),
  steps: count(6, 'training steps whose peak is taken'),
  'small-steps': count(2000, `steps of ${fewest} images a replica over which memory must stay`),
};

type Options = BenchOptions<typeof flags>;

export const bench: Bench<typeof flags> = {
  description: "megabytes that the ResNet's training step takes, and that many steps leave",
  peer: 'PyTorch, DDP + gloo with one process per replica, in the same precision',
  flags,
  async run(options) {
    const { peak, growth, parameters } = await ours(options);
    const { rows, versions } = await torch(options, parameters);
    return {
      settings: { model: 'resnet', parameters },
      rows: [rows.length > 0 ? compare(peak, rows[0]) : peak, ...rows, growth],
      versions,
      notes: [
        `peak: the most that was resident during steps of the batch, beyond steps of ${fewest} images a replica; all processes together`,
        'growth: resident memory after the small steps, beyond that before them; 15 % as many went ahead to warm up',
      ],
    };
  },
};

async function ours({ values, signal, say }: Options) {
  const { replicas, steps, 'small-steps': smallSteps } = values;
  const settings = { ...values, threads: 1 };
  const training = await ResNetTraining.open(settings, signal);
  try {
    const small = syntheticBatch(fewest * replicas);
    say('gradring: small steps to warm up');
    await training.run(Math.ceil(warmUpShare * smallSteps), small);
    say(`gradring: ${smallSteps} small steps`);
    const before = process.memoryUsage.rss();
    await training.run(smallSteps, small);
    const growth = (process.memoryUsage.rss() - before) / megabyte;
    say('gradring: steps of the batch');
    const peak = startPeakMemory();
    if (!peak) throw new ConfigError('only Linux tells the peak of a process', { where: 'memory' });
    await training.run(steps);
    return {
      peak: summarise(trainingName(settings), 'MB', [peak() / megabyte]),
      growth: summarise(`growth over ${smallSteps} steps`, 'MB', [growth]),
      parameters: training.parameters,
    };
  } finally {
    await training.close();
  }
}

async function torch({ peer, peerOptions, values, say }: Options, parameters: number) {
  const rows: Measurement[] = [];
  const versions: Record<string, string> = {};
  if (!peer) return { rows, versions };
  const { replicas, batch, steps, precision, device } = values;
  say('PyTorch');
  const task = { processes: replicas, threads: 1, batch, runs: 1, steps, precision, device };
  const { rate, peakBytes, torch } = await torchTraining(task, parameters, peerOptions);
  if (peakBytes !== undefined) rows.push(summarise(rate.name, 'MB', [peakBytes / megabyte]));
  versions.torch = torch;
  return { rows, versions };
}
