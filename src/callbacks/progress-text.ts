/** What a fit's progress is, and the lines that say it. */
import { duration, grouped, percent } from './number-format.js';
import type { BarLine } from './progress-bar.js';

export interface ProgressState {
  readonly epochsDone: number;
  readonly epochs: number;
  readonly fitMs: number;
  readonly phase: 'train' | 'valid';
  readonly batchesDone: number;
  readonly batches: number;
  readonly phaseMs: number;
  readonly loss: number;
  readonly imagesPerSecond: number;
  /** What the phase's time went into, as far as that is known; shares of 0 … 1. */
  readonly shares: readonly { readonly name: string; readonly share: number }[];
}

const counter = (done: number, total: number): string =>
  `${String(done).padStart(String(total).length)}/${total}`;

/** `0:02<0:04`: gone and, if the pace stays, to come. */
const times = (ms: number, done: number, total: number): string =>
  `${duration(ms / 1000)}<${done > 0 ? duration(((ms / done) * (total - done)) / 1000) : '?'}`;

function batchParts({ loss, imagesPerSecond, shares }: ProgressState): string[] {
  return [
    `loss ${loss.toFixed(4)}`,
    `${grouped(imagesPerSecond).padStart(6)} img/s`,
    ...shares.map(({ name, share }) => `${name} ${percent(share).padStart(2)} %`),
  ];
}

/** The two bars: over the epochs, and over the batches of this phase. */
export function bars(state: ProgressState): BarLine[] {
  const { epochsDone, epochs, fitMs, phase, batchesDone, batches, phaseMs } = state;
  const [epochCount, batchCount] = [counter(epochsDone, epochs), counter(batchesDone, batches)];
  const width = Math.max(epochCount.length, batchCount.length);
  const line = (label: string, done: number, total: number, ms: number, more: string[]): BarLine => {
    const share = total > 0 ? done / total : 1;
    return { label, share, parts: [`${percent(share).padStart(3)} %`, times(ms, done, total), ...more] };
  };
  return [
    line(`epoch ${epochCount.padStart(width)}`, epochsDone, epochs, fitMs, []),
    line(`${phase} ${batchCount.padStart(width)}`, batchesDone, batches, phaseMs, batchParts(state)),
  ];
}

/** The same in one plain line. */
export function plainLine(state: ProgressState): string {
  const { epochsDone, epochs, phase, batchesDone, batches, fitMs } = state;
  return [
    `epoch ${Math.min(epochsDone + 1, epochs)}/${epochs}`,
    `${phase} ${counter(batchesDone, batches)}`,
    ...batchParts(state),
    duration(fitMs / 1000),
  ].join('  ');
}
