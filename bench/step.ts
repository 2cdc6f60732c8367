/** The training step of the ResNet, beside PyTorch with `--peer`; on portable engines beside tfjs's stock cpu backend. */
import { availableParallelism } from 'node:os';
import { convolutionCeiling } from './ceiling.js';
import { count, counts } from './flags.js';
import { type Bench, type BenchOptions, compare, type Measurement, summarise } from './harness.js';
import { engineFlags, ResNetTraining, type TrainingRun, trainingName } from './resnet-training.js';
import { costliestKernels, profileSteps } from './step-kernels.js';
import { stockTraining } from './stock-training.js';
import { torchTraining } from './torch-training.js';

const flags = {
  ...engineFlags,
  replicas: count(2, 'replicas of one thread, and threads of the stock backend'),
  batch: count(192, 'global batch'),
  steps: count(2, 'training steps in a run'),
  runs: count(5, 'runs after one to warm up'),
  'stock-batch': counts([8, 4], 'global batches of the stock cpu backend (not for torch)'),
  'stock-runs': count(2, 'runs of one step each on the stock cpu backend (not for torch)'),
};

type Options = BenchOptions<typeof flags>;

export const bench: Bench<typeof flags> = {
  description: "images a second of the ResNet's training step",
  peer: 'PyTorch, DDP + gloo with one process per replica, and one process with as many threads',
  flags,
  async run(options) {
    const { values, signal, say } = options;
    const { engine, replicas, batch, runs } = values;
    const { rate, parts, parameters } = await ours(options);
    say('where a step goes');
    const profiles = await profileSteps(values, Math.ceil(batch / replicas), runs, signal);
    const peers = await torch(options, parameters);
    const beside = engine === 'torch' ? await ceiling(options) : await stock(options);
    const rows =
      engine === 'torch' ? againstTorch(rate, peers.rows, beside) : againstStock(rate, peers.rows, beside);
    const [first, ...rest] = rows;
    return {
      settings: { model: 'resnet', parameters, optimizer: 'adamw', cores: availableParallelism() },
      rows: [first, ...parts, ...costliestKernels(profiles), ...rest],
      versions: peers.versions,
      notes: [
        ...notes[engine === 'torch' ? 'torch' : 'portable'],
        'all-reduce includes waiting for the slower replica; each part is the slowest replica’s',
        'kernels: one replica with its shard, alone in a thread, after the timed runs',
      ],
    };
  },
};

const notes = {
  torch: [
    'convolutions alone: what a step could reach if all else took no time; oneDNN’s fastest way for each',
  ],
  portable: [
    'the stock backend runs in as many threads, each with its shard, but reduces nothing: that is in its favour',
    'it takes seconds an image, so its batch is small; that its rows are alike shows that the batch does not matter',
  ],
};

/** Our rate over PyTorch's, and the share of the ceiling that it reaches. */
function againstTorch(
  rate: Measurement,
  peers: readonly Measurement[],
  [most]: readonly Measurement[],
): Measurement[] {
  const compared = peers.length > 0 ? compare(rate, peers[0]) : rate;
  if (!most) return [compared, ...peers];
  const also = { value: (100 * rate.median) / most.median, unit: '% of convolutions alone' };
  return [{ ...compared, also }, ...peers, most];
}

/** Our rate over the stock backend's, and PyTorch's over ours. */
const againstStock = (
  rate: Measurement,
  peers: readonly Measurement[],
  stocks: readonly Measurement[],
): Measurement[] => [compare(rate, stocks[0]), ...stocks, ...peers.map(peer => compare(peer, rate))];

async function ours({ values, signal, say }: Options) {
  const { steps, runs } = values;
  const settings = { ...values, threads: 1 };
  const training = await ResNetTraining.open(settings, signal);
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
        trainingName(settings),
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

async function stock({ values, signal, say }: Options): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const batch of values['stock-batch']) {
    say(`stock cpu backend at batch ${batch}: takes a while`);
    const settings = { threads: values.replicas, batch, runs: values['stock-runs'] };
    rows.push(await stockTraining(settings, signal));
  }
  return rows;
}

/** On processors, where this machine can compile it. */
async function ceiling({ values, signal, say }: Options): Promise<Measurement[]> {
  const { precision, device, replicas, batch, runs } = values;
  if (device !== 'cpu') return [];
  say('convolutions alone');
  const most = await convolutionCeiling({ precision, processes: replicas, batch, runs }, signal);
  return most ? [most] : [];
}

async function torch({ peer, peerOptions, values, say }: Options, parameters: number) {
  const rows: Measurement[] = [];
  const versions: Record<string, string> = {};
  if (!peer) return { rows, versions };
  const { replicas, batch, runs, steps, precision, device } = values;
  for (const [processes, threads] of [
    [replicas, 1],
    [1, replicas],
  ]) {
    say(`PyTorch: ${processes} × ${threads}`);
    const task = { processes, threads, batch, runs, steps, precision, device };
    const run = await torchTraining(task, parameters, peerOptions);
    versions.torch = run.torch;
    rows.push(run.rate);
  }
  return { rows, versions };
}
