import { join } from 'node:path';
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
  const { engine, devices, deviceNote, model, data, config, workers, advice, folder, resumed } = start;
  const lines = [
    `devices  ${devices.join(', ')}  (${engine} engine)${deviceNote === undefined ? '' : `: ${deviceNote}`}`,
    `model    ${model.name}, ${grouped(model.parameters)} parameters, ${bytes(model.parameters * 4)}: ${layerCounts(model.layers)}`,
    `data     ${data.name}: ${grouped(data.train)} train, ${grouped(data.valid)} valid; ` +
      `batch ${sharesOf(config.batchSize, devices.length)}; ${workers} decode threads`,
    ...(advice === undefined ? [] : [`advice   ${advice}`]),
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

/** What a search for a learning rate came to. */
export function foundLrLines({ suggestions: { valley, steep, minimum }, plot }: FoundLr): string {
  const shown = (rate: number): string => String(Number(rate.toPrecision(2)));
  return [
    `lr       ${shown(valley)} (valley); steepest fall at ${shown(steep)}, a tenth of the lowest point's ${shown(minimum)}`,
    `plot     ${plot}`,
  ].join('\n');
}

/** The last line of a run. */
export function endLines({
  accuracy,
  seconds,
  imagesPerSecond,
  dataShare,
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
    ...(dataShare === null ? [] : [`${Math.round(dataShare * 100)} % of the training waiting for data`]),
    `${seconds.toFixed(1)} s`,
    folder === undefined ? 'dry run: nothing written' : `model in ${join(folder, 'model.json')}`,
  ];
  return parts.join(', ');
}
