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

function batchText({ loss, imagesPerSecond, shares }: ProgressState): string {
  const parts = shares.map(({ name, share }) => `${name} ${percent(share).padStart(2)} %`);
  return `loss ${loss.toFixed(4)}  ${grouped(imagesPerSecond).padStart(6)} img/s  ${parts.join(' · ')}`.trimEnd();
}

/** The two bars: over the epochs, and over the batches of this phase. */
export function bars(state: ProgressState): BarLine[] {
  const { epochsDone, epochs, fitMs, phase, batchesDone, batches, phaseMs } = state;
  const [epochCount, batchCount] = [counter(epochsDone, epochs), counter(batchesDone, batches)];
  const width = Math.max(epochCount.length, batchCount.length);
  const percentOf = (done: number, total: number) => percent(total > 0 ? done / total : 1).padStart(3);
  return [
    {
      label: `epoch ${epochCount.padStart(width)}`,
      share: epochsDone / epochs,
      text: `${percentOf(epochsDone, epochs)} %  ${times(fitMs, epochsDone, epochs)}`,
    },
    {
      label: `${phase} ${batchCount.padStart(width)}`,
      share: batchesDone / batches,
      text: `${percentOf(batchesDone, batches)} %  ${times(phaseMs, batchesDone, batches)}  ${batchText(state)}`,
    },
  ];
}

/** The same in one plain line. */
export function plainLine(state: ProgressState): string {
  const { epochsDone, epochs, phase, batchesDone, batches, fitMs } = state;
  const place = `epoch ${Math.min(epochsDone + 1, epochs)}/${epochs}  ${phase} ${counter(batchesDone, batches)}`;
  return `${place}  ${batchText(state)}  ${duration(fitMs / 1000)}`;
}
