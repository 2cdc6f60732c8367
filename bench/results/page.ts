/** Writes `docs/results.md` from the records. */
import { join } from 'node:path';
import { writeAtomically } from '../../src/atomic-write.js';
import { packageRoot } from '../../src/package-root.js';
import { medianOf } from '../../src/statistics.js';
import { type Plan, plans, type Row, rows } from './plans.js';
import { type RunRecord, readRecord } from './store.js';

const notes = `
## What differs from the lessons

- Batches of 128 to 512 instead of 1024: more steps in the same epochs. It is what helps most in short trainings.
- Every image has its own crop, flip and patch; in the lessons a batch shares one draw.
- Batches are shuffled; the published figures are from unshuffled training.
- Random crops pad with black, the background of the images; in the lessons with the mean grey, since they crop what is
  normalised already.
- Convolutions of stride 2 pad as TensorFlow does, at the bottom and right only.
- bf16 where the engine has it: convolutions and products in bfloat16, weights and sums in fp32.

## What made the difference

In trials of one seed each where no others are named; seeds alone make a difference of ± 0.15 in five epochs:

- Resolution. The lessons' models halve the image five times, down to one position; ours halve it three times and have
  twice the filters from the start. In five epochs, with batches of 256: 93.87, where \`get_model\` with flips had 93.41.
- Depth where it is cheap: a last block at 4×4 positions. Without it \`own5\` had a median of 93.72 (93.93, 93.72, 93.66).
- Batches, but not too small. \`own5\` without that block and with 256 a batch: 93.78; with 128: 93.93; with 64, on one
  replica: 93.65, 93.84. \`conv64\` with 512, 256 and 128: 90.4, 90.7, 91.0 on average of two or three seeds.
- No augmentation in five epochs: with flips per image and label smoothing of 0.1 it fell from 93.87 to 93.27.
- In twenty epochs, flips and crops, but no patches. Tried before it: the net without the last block and with patches
  besides, 94.61, whose training loss was still near that of the validation; \`get_model\` with 128 a batch, 94.51, which
  fits the training images better and the others worse than with 512 (94.68).

The seconds are of the training with its validations, on the machine named above and not always alone on it; speed is
measured in [benchmarks](benchmarks.md).
`;

const percent = (share: number): string => (100 * share).toFixed(2);

const recordsOf = (name: string): RunRecord[] =>
  (plans as Readonly<Record<string, Plan>>)[name].seeds.flatMap(seed => readRecord(name, seed) ?? []);

function resultOf({ plan, predictions }: Row): { shares: number[]; records: RunRecord[] } {
  const records = recordsOf(plan);
  const shares = records.flatMap(record =>
    predictions === 'mirrored'
      ? (record.mirroredAccuracy ?? [])
      : predictions === 'ensemble'
        ? (record.ensembleAccuracy ?? [])
        : record.accuracy,
  );
  return { shares, records };
}

function line(row: Row): string {
  const { shares, records } = resultOf(row);
  const { epochs, seeds, model } = (plans as Readonly<Record<string, Plan>>)[row.plan];
  const wanted = row.predictions === 'ensemble' ? 1 : seeds.length;
  const spread = shares.length > 1 ? ` (${shares.map(percent).join(', ')})` : '';
  const ours = shares.length === 0 ? 'not run yet' : `**${percent(medianOf(shares))}**${spread}`;
  const note = shares.length > 0 && shares.length < wanted ? `, ${shares.length} of ${wanted} seeds` : '';
  const seconds = records.length === 0 ? '' : String(Math.round(medianOf(records.map(r => r.seconds))));
  const cells = [
    row.title,
    model,
    epochs,
    seeds.join(', '),
    seconds,
    row.published.toFixed(1),
    row.target.toFixed(1),
    `${ours}${note}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function circumstances(): string[] {
  const records = Object.keys(plans).flatMap(recordsOf);
  const machines = records.map(({ engine, precision, devices, environment }) =>
    [
      `${engine} engine, ${precision}, ${devices.join(' + ')}`,
      `${environment.processor}, ${environment.cores} cores`,
      `Node ${environment.node}`,
    ].join('; '),
  );
  return [...new Set(machines)].map(text => `- ${text}`);
}

export function writePage(): void {
  const page = [
    '# Results on Fashion-MNIST',
    '',
    'Written by `npm run results`, which runs the next training that is missing (`-- --all`: all of them; `-- --list`:',
    'what is there). Every training leaves its record, with each epoch, the settings, the machine and the versions, in',
    '[results/](results/). Accuracy is that of the last epoch, in per cent of the 10,000 test images, as in the lessons;',
    'no epoch is picked by it. Published: the notebooks of course22p2 as they stand today.',
    '',
    '| what | model | epochs | seeds | seconds | published | wanted | ours |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(line),
    '',
    'Median over the seeds, each seed in brackets. Run on:',
    '',
    ...circumstances(),
    '',
    notes.trim(),
    '',
  ];
  writeAtomically(join(packageRoot(), 'docs', 'results.md'), page.join('\n'));
}
