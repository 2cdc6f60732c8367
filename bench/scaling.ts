/** The training step of the ResNet on 1 … N replicas with the same global batch. */
import { availableParallelism } from 'node:os';
import { count, counts } from './flags.js';
import { type Bench, compare, type Measurement, summarise } from './harness.js';
import { ResNetTraining } from './resnet-training.js';
import { torchTraining } from './torch-training.js';

const flags = {
  replicas: counts([1, 2, 3], 'numbers of replicas; the first is what the others are compared with'),
  batch: count(192, 'global batch'),
  steps: count(2, 'training steps in a run'),
  runs: count(5, 'runs after one to warm up'),
};

export const bench: Bench<typeof flags> = {
  description: "images a second of the ResNet's training step over the number of replicas, on wasm",
  peer: 'PyTorch DDP + gloo with as many processes of one thread',
  flags,
  async run({ peer, peerOptions, signal, values, say }) {
    const { replicas, batch, steps, runs } = values;
    const { rates, parameters } = await ours(values, signal, say);
    const rows = against(rates, replicas);
    const versions: Record<string, string> = {};
    if (peer) {
      const peerRows: Measurement[] = [];
      for (const processes of replicas) {
        say(`PyTorch: ${processes} × 1 thread`);
        const task = { processes, threads: 1, batch, runs, steps };
        const { row, torch } = await torchTraining(task, parameters, peerOptions);
        versions.torch = torch;
        peerRows.push(row);
      }
      rows.push(...against(peerRows, replicas));
    }
    return {
      settings: { model: 'resnet', cores: availableParallelism() },
      rows,
      versions,
      notes: [
        'efficiency: the rate, over that of the first row times as many replicas as there are cores for',
        'our variants take turns, so that a change of load meets all of them; the idle ones sleep',
      ],
    };
  },
};

async function ours(
  {
    replicas,
    batch,
    steps,
    runs,
  }: { replicas: readonly number[]; batch: number; steps: number; runs: number },
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<{ rates: Measurement[]; parameters: number }> {
  const open: ResNetTraining[] = [];
  try {
    for (const members of replicas) open.push(await ResNetTraining.open(members, batch, signal));
    const rates: number[][] = open.map(() => []);
    // The first round compiles and fills caches: not counted.
    for (let run = 0; run <= runs; run++) {
      say(run === 0 ? 'gradring: warm-up' : `gradring: run ${run} of ${runs}`);
      for (const [i, training] of open.entries()) {
        const { imagesPerSecond } = await training.run(steps);
        if (run > 0) rates[i].push(imagesPerSecond);
      }
    }
    const names = replicas.map(members => `gradring, ${members} replica${members === 1 ? '' : 's'}`);
    return {
      rates: names.map((name, i) => summarise(name, 'img/s', rates[i])),
      parameters: open[0].parameters,
    };
  } finally {
    await Promise.all(open.map(training => training.close()));
  }
}

/** Each row beside the first one, with its efficiency. */
function against(rows: readonly Measurement[], replicas: readonly number[]): Measurement[] {
  const busy = (members: number): number => Math.min(members, availableParallelism());
  const [first, ...rest] = rows;
  return [
    first,
    ...rest.map((row, i) => {
      const ideal = (first.median * busy(replicas[i + 1])) / busy(replicas[0]);
      return { ...compare(row, first), also: { value: (100 * row.median) / ideal, unit: '% efficiency' } };
    }),
  ];
}
