import { join } from 'node:path';
import { percent } from '../callbacks/number-format.js';
import { slowestReplica, type TimeShares } from '../callbacks/time-account.js';
import type { RunWarning } from '../protocol/warning.js';
import type { FoundLr } from '../run/find-lr.js';
import type { TrainSummary } from '../run/summary.js';
import type { RunStart } from '../run/train-context.js';

const grouped = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');

const sharesOf = (batch: number, replicas: number): string => {
  const shares = Array.from(
    { length: replicas },
    (_, i) => Math.floor(batch / replicas) + (i < batch % replicas ? 1 : 0),
  );
  return replicas === 1 ? String(batch) : `${batch} = ${shares.join(' + ')}`;
};

/** A share that rounds to 0 % says nothing. */
const leastShown = 0.005;
/** A wait below this is chance. */
const leastWait = 0.03;

const bytes = (count: number): string =>
  count < 1e6 ? `${Math.round(count / 1e3)} kB` : `${(count / 1e6).toFixed(1)} MB`;

/** Layers counted by type, most frequent first: `13 Conv2D · 11 BatchNormalization`. */
function layerCounts(layers: RunStart['model']['layers']): string {
  const counts = new Map<string, number>();
  for (const { type } of layers) if (type !== 'InputLayer') counts.set(type, (counts.get(type) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([type, count]) => `${count} ${type}`).join(' · ');
}

/** The first lines of a run: devices, model, data. */
export function startLines(start: RunStart): string {
  const { engine, devices, deviceNote, model, data, config, workers, folder, resumed } = start;
  const lines = [
    `devices  ${devices.join(', ')}  (${engine} engine)${deviceNote === undefined ? '' : `: ${deviceNote}`}`,
    `model    ${model.name}, ${grouped(model.parameters)} parameters, ${bytes(model.parameters * 4)}: ${layerCounts(model.layers)}`,
    `data     ${data.name}: ${grouped(data.train)} train, ${grouped(data.valid)} valid; ` +
      `batch ${sharesOf(config.batchSize, devices.length)}; ${workers} decode threads`,
    ...(folder === undefined ? [] : [`folder   ${folder}`]),
    ...(resumed === undefined ? [] : [resumeLine(resumed)]),
  ];
  return lines.join('\n');
}

function resumeLine({ from, position, step, changed }: NonNullable<RunStart['resumed']>): string {
  const batches = position.batch > 0 ? `, batch ${position.batch + 1}` : '';
  const differs = changed.length > 0 ? `; changed: ${changed.join(', ')}` : '';
  return `resume   ${from}: epoch ${position.epoch + 1}${batches}, ${step} steps done${differs}`;
}

/** For people: what is so, and what to do about it. */
export function warningLines({ message, hint }: RunWarning): string[] {
  return [`⚠ ${message}`, ...(hint === undefined ? [] : [`  → ${hint}`])];
}

/** What a search for a learning rate came to. */
export function foundLrLines({ suggestions: { valley, steep, minimum }, plot }: FoundLr): string {
  const shown = (rate: number): string => String(Number(rate.toPrecision(2)));
  return [
    `lr       ${shown(valley)} (valley); steepest fall at ${shown(steep)}, a tenth of the lowest point's ${shown(minimum)}`,
    `plot     ${plot}`,
  ].join('\n');
}

/** The last lines of a run. */
export function endLines(summary: TrainSummary): string {
  return `${timeLine(summary.timeShares)}\n${resultLine(summary)}`;
}

/** Where the time went, the replicas' part as their mean; and which replica the others wait for, if one. */
export function timeLine(shares: TimeShares): string {
  const { data, compute, reduce, update, steps, validation, checkpoints, other } = shares;
  const parts = { data, compute, reduce, update, steps, validation, checkpoints, other };
  const shown = Object.entries(parts).filter(([, share = 0]) => share >= leastShown);
  const texts = shown.map(([name, share = 0]) => `${name} ${percent(share)} %`);
  const slow = slowestReplica(shares);
  if (!slow || slow.wait < leastWait) return `time     ${texts.join(' · ')}`;
  const { slowest, waiting, wait } = slow;
  const of = shares.replicas[slowest];
  return (
    `time     ${texts.join(' · ')}   slowest: replica ${slowest} (${of.device}), compute ${percent(of.compute)} %` +
    ` (replica ${waiting} waits ${percent(wait)} % in reduce for it)`
  );
}

function resultLine({
  accuracy,
  seconds,
  imagesPerSecond,
  stopped,
  stopReason,
  folder,
  epochs,
}: TrainSummary): string {
  const parts = [
    ...(stopReason === undefined ? [] : [stopReason]),
    `${stopped ? 'stopped' : 'done'} after ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
    ...(accuracy === null ? [] : [`valid accuracy ${(accuracy * 100).toFixed(2)} %`]),
    ...(imagesPerSecond === null ? [] : [`${grouped(Math.round(imagesPerSecond))} img/s`]),
    `${seconds.toFixed(1)} s`,
    folder === undefined ? 'dry run: nothing written' : `model in ${join(folder, 'model.json')}`,
  ];
  return parts.join(', ');
}
