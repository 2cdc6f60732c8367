/**
 * `npm run results`: runs the next training that has no record yet, then writes `docs/results.md` anew. Stopped, it
 * goes on from the last epoch when it is called again.
 *
 *     npm run results                     the next one
 *     npm run results -- --all            all that are missing
 *     npm run results -- --only model3    those of one plan
 *     npm run results -- --list           what is there and what is not
 *     npm run results -- --page           only write the page anew
 */
import { parseArgs } from 'node:util';
import { exitCodeOf } from '../../src/cli/exit-codes.js';
import { describeError } from '../../src/cli/report-error.js';
import { ConfigError } from '../../src/errors.js';
import { accuracyOf, type CapturedPreds } from '../../src/inference/captured-preds.js';
import { ensemblePreds } from '../../src/inference/mean-preds.js';
import type { MetricsRow } from '../../src/learner/metrics-row.js';
import { environment } from '../../src/run/environment.js';
import { writePage } from './page.js';
import { type Plan, plans } from './plans.js';
import { checkpointFolder, type EpochRecord, readLogits, readRecord, save } from './store.js';
import { type Machine, trainPlan } from './training.js';

interface Job {
  readonly name: string;
  readonly plan: Plan;
  readonly seed: number;
}

const all: readonly Job[] = Object.entries<Plan>(plans).flatMap(([name, plan]) =>
  plan.seeds.map(seed => ({ name, plan, seed })),
);

function show(row: MetricsRow): void {
  const { epoch, phase, loss, accuracy, imagesPerSecond } = row;
  const share = typeof accuracy === 'number' ? `${(100 * accuracy).toFixed(2)} %` : '';
  console.log(`  ${epoch} ${phase}  loss ${loss.toFixed(4)}  ${share}  ${Math.round(imagesPerSecond)} img/s`);
}

/** Train and valid row of each epoch, as one record. */
function epochRecords(rows: readonly MetricsRow[]): EpochRecord[] {
  return rows
    .filter(({ phase }) => phase === 'valid')
    .map(valid => {
      const train = rows.find(({ phase, epoch }) => phase === 'train' && epoch === valid.epoch)!;
      return {
        epoch: valid.epoch,
        trainLoss: train.loss,
        validLoss: valid.loss,
        trainAccuracy: train.accuracy as number,
        accuracy: valid.accuracy as number,
        imagesPerSecond: train.imagesPerSecond,
      };
    });
}

async function run({ name, plan, seed }: Job, machine: Machine): Promise<void> {
  console.log(`${name}, seed ${seed}: ${plan.model}, ${plan.epochs} epochs`);
  const { plain, mirrored, epochs, engine, devices, parameters, seconds } = await trainPlan(
    plan,
    checkpointFolder(name, seed),
    seed,
    machine,
    show,
  );
  const accuracyWith = (others: readonly CapturedPreds[]): number => {
    const { preds, targets } = ensemblePreds([plain, ...others]);
    return accuracyOf(preds, targets);
  };
  const accuracy = accuracyWith([]);
  const others = plan.seeds
    .filter(other => other !== seed)
    .flatMap(other => readLogits(name, other) ?? [])
    .map(data => ({ ...plain, preds: { data, shape: plain.preds.shape } }));
  const isLast = plan.seeds.length > 1 && others.length === plan.seeds.length - 1;
  const { seeds: _, ...settings } = plan;
  save(
    {
      plan: name,
      seed,
      settings,
      date: new Date().toISOString(),
      environment: await environment(),
      engine,
      precision: machine.precision,
      devices,
      parameters,
      seconds,
      accuracy,
      mirroredAccuracy: mirrored && accuracyWith([mirrored]),
      ensembleAccuracy: isLast ? accuracyWith(others) : undefined,
      epochs: epochRecords(epochs),
    },
    plain.preds.data,
  );
  console.log(`  ${(100 * accuracy).toFixed(2)} % in ${Math.round(seconds)} s`);
}

function list(): void {
  for (const { name, seed } of all) {
    const record = readRecord(name, seed);
    const result = record ? `${(100 * record.accuracy).toFixed(2)} %` : 'missing';
    console.log(`${name.padEnd(10)} seed ${seed}  ${result}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      all: { type: 'boolean' },
      only: { type: 'string' },
      list: { type: 'boolean' },
      page: { type: 'boolean' },
      gpus: { type: 'string', default: '1' },
      precision: { type: 'string', default: 'bf16' },
    },
  });
  if (values.list) return list();
  if (values.page) return writePage();
  const { only, gpus, precision } = values;
  if (only !== undefined && !Object.hasOwn(plans, only))
    throw new ConfigError(`there is no plan '${only}'`, {
      where: '--only',
      hint: `one of ${Object.keys(plans).join(', ')}`,
    });
  if (precision !== 'fp32' && precision !== 'bf16')
    throw new ConfigError(`the precision is '${precision}'`, { where: '--precision', hint: 'fp32 or bf16' });
  const missing = all.filter(
    ({ name, seed }) => (only ?? name) === name && readRecord(name, seed) === undefined,
  );
  for (const job of values.all || only ? missing : missing.slice(0, 1)) {
    await run(job, { gpus, precision });
    writePage();
  }
  writePage();
}

try {
  await main();
} catch (error) {
  console.error(describeError(error, { debug: false, color: false }));
  process.exitCode = exitCodeOf(error);
}
