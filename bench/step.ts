/** The training step of the ResNet: beside tfjs's stock cpu backend always, beside PyTorch with `--peer`. */
import { availableParallelism } from 'node:os';
import { count, counts } from './flags.js';
import { type Bench, type BenchOptions, compare, type Measurement, summarise } from './harness.js';
import { ResNetTraining, type TrainingRun } from './resnet-training.js';
import { costliestKernels } from './step-kernels.js';
import { stockTraining } from './stock-training.js';
import { torchTraining } from './torch-training.js';

const flags = {
  replicas: count(2, 'replicas, and threads of the stock backend'),
  batch: count(192, 'global batch'),
  steps: count(2, 'training steps in a run'),
  runs: count(5, 'runs after one to warm up'),
  'stock-batch': counts([8, 4], 'global batches of the stock cpu backend; ours is compared with the first'),
  'stock-runs': count(2, 'runs of one step each on the stock cpu backend'),
};

type Options = BenchOptions<typeof flags>;

export const bench: Bench<typeof flags> = {
  description: "images a second of the ResNet's training step on wasm, against tfjs's stock cpu backend",
  peer: 'PyTorch, DDP + gloo with one process per replica, and one process with as many threads',
  flags,
  async run(options) {
    const { values, signal, say } = options;
    const { replicas, batch, runs } = values;
    const { rate, parts, parameters } = await ours(options);
    say('where a step goes');
    const kernels = await costliestKernels(Math.ceil(batch / replicas), runs, signal);
    const stock: Measurement[] = [];
    for (const stockBatch of values['stock-batch']) {
      say(`stock cpu backend at batch ${stockBatch}: takes a while`);
      const settings = { threads: replicas, batch: stockBatch, runs: values['stock-runs'] };
      stock.push(await stockTraining(settings, signal));
    }
    const { rows, versions } = await torch(options, rate, parameters);
    return {
      settings: { model: 'resnet', parameters, optimizer: 'adamw', cores: availableParallelism() },
      rows: [compare(rate, stock[0]), ...parts, ...kernels, ...stock, ...rows],
      versions,
      notes: [
        'the stock backend runs in as many threads, each with its shard, but reduces nothing: that is in its favour',
        'it takes seconds an image, so its batch is small; that its rows are alike shows that the batch does not matter',
        'all-reduce includes waiting for the slower replica; each part is the slowest replica’s',
        'kernels: one replica with its shard, alone in a thread, after the timed runs',
      ],
    };
  },
};

async function ours({ values, signal, say }: Options) {
  const { replicas, batch, steps, runs } = values;
  const training = await ResNetTraining.open(replicas, batch, signal);
  try {
    const measured: TrainingRun[] = [];
    for (let run = 0; run <= runs; run++) {
      say(run === 0 ? 'gradring: warm-up' : `gradring: run ${run} of ${runs}`);
      const result = await training.run(steps);
      if (run > 0) measured.push(result);
    }
    const part = (name: keyof TrainingRun['times'], label: string): Measurement =>
      summarise(
        `  of a step: ${label}`,
        'ms',
        measured.map(({ times }) => times[name]),
      );
    return {
      rate: summarise(
        `gradring, wasm, ${replicas} replicas`,
        'img/s',
        measured.map(({ imagesPerSecond }) => imagesPerSecond),
      ),
      parts: [part('compute', 'compute'), part('allReduce', 'all-reduce'), part('update', 'update')],
      parameters: training.parameters,
    };
  } finally {
    await training.close();
  }
}

async function torch({ peer, peerOptions, values, say }: Options, rate: Measurement, parameters: number) {
  if (!peer) return { rows: [], versions: {} };
  const { replicas, batch, runs, steps } = values;
  const rows: Measurement[] = [];
  const versions: Record<string, string> = {};
  for (const [processes, threads] of [
    [replicas, 1],
    [1, replicas],
  ]) {
    say(`PyTorch: ${processes} × ${threads}`);
    const task = { processes, threads, batch, runs, steps };
    const { row, torch: version } = await torchTraining(task, parameters, peerOptions);
    versions.torch = version;
    rows.push(compare(row, rate));
  }
  return { rows, versions };
}
