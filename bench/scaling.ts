/** The training step of the ResNet on 1 … N replicas with the same global batch. */
import { availableParallelism } from 'node:os';
import { count, counts } from './flags.js';
import { type Bench, type BenchOptions, compare, type Measurement, summarise } from './harness.js';
import { engineFlags, ResNetTraining, type TrainingSettings, trainingName } from './resnet-training.js';
import { torchTraining } from './torch-training.js';

const flags = {
  ...engineFlags,
  replicas: counts([1, 2, 3], 'numbers of replicas; the first is what the others are compared with'),
  batch: count(192, 'global batch'),
  steps: count(2, 'training steps in a run'),
  runs: count(5, 'runs after one to warm up'),
};

type Options = BenchOptions<typeof flags>;

/** Replicas, or processes, and the threads of each. */
type Team = Pick<TrainingSettings, 'replicas' | 'threads'>;

export const bench: Bench<typeof flags> = {
  description: "images a second of the ResNet's training step over the number of replicas",
  peer: 'PyTorch DDP + gloo with as many processes of one thread',
  flags,
  async run(options) {
    const { values } = options;
    const teams: Team[] = values.replicas.map(replicas => ({ replicas, threads: 1 }));
    const { rates, parameters } = await ours(options, withThreads(teams, values.engine));
    const peers = await torch(options, teams, parameters);
    return {
      settings: { model: 'resnet', cores: availableParallelism() },
      rows: [...against(rates, withThreads(teams, values.engine)), ...against(peers.rates, teams)],
      versions: peers.versions,
      notes: [
        'efficiency: the rate, over that of the first row times as many threads as there are cores for',
        'our variants take turns, so that a change of load meets all of them; the idle ones sleep',
      ],
    };
  },
};

/** Where an engine can use several threads in one replica: also one that has all the cores. */
function withThreads(teams: readonly Team[], engine: string): Team[] {
  const threads = availableParallelism();
  return engine === 'torch' && threads > 1 ? [...teams, { replicas: 1, threads }] : [...teams];
}

async function ours(
  { values, signal, say }: Options,
  teams: readonly Team[],
): Promise<{ rates: Measurement[]; parameters: number }> {
  const { steps, runs } = values;
  const settings = teams.map((team): TrainingSettings => ({ ...values, ...team }));
  const open: ResNetTraining[] = [];
  try {
    for (const each of settings) open.push(await ResNetTraining.open(each, signal));
    const rates: number[][] = open.map(() => []);
    // The first round compiles and fills caches: not counted.
    for (let run = 0; run <= runs; run++) {
      say(run === 0 ? 'gradring: warm-up' : `gradring: run ${run} of ${runs}`);
      for (const [i, training] of open.entries()) {
        const { imagesPerSecond } = await training.run(steps);
        if (run > 0) rates[i].push(imagesPerSecond);
      }
    }
    return {
      rates: settings.map((each, i) => summarise(trainingName(each), 'img/s', rates[i])),
      parameters: open[0].parameters,
    };
  } finally {
    await Promise.all(open.map(training => training.close()));
  }
}

async function torch(
  { peer, peerOptions, values, say }: Options,
  teams: readonly Team[],
  parameters: number,
) {
  const rates: Measurement[] = [];
  const versions: Record<string, string> = {};
  const { batch, runs, steps, precision, device } = values;
  for (const { replicas: processes, threads } of peer ? teams : []) {
    say(`PyTorch: ${processes} × ${threads} thread`);
    const task = { processes, threads, batch, runs, steps, precision, device };
    const run = await torchTraining(task, parameters, peerOptions);
    versions.torch = run.torch;
    rates.push(run.rate);
  }
  return { rates, versions };
}

/** Each row beside the first one, with its efficiency. */
function against(rows: readonly Measurement[], teams: readonly Team[]): Measurement[] {
  const busy = ({ replicas, threads }: Team): number => Math.min(replicas * threads, availableParallelism());
  const [first, ...rest] = rows;
  if (!first) return [];
  return [
    first,
    ...rest.map((row, i) => {
      const ideal = (first.median * busy(teams[i + 1])) / busy(teams[0]);
      return { ...compare(row, first), also: { value: (100 * row.median) / ideal, unit: '% efficiency' } };
    }),
  ];
}
