/** Variants measured in turns, ours and the peers' alike, so that a change of load meets all of them. */
import { type Measurement, medianOf, summarise } from './harness.js';

export interface Variant {
  readonly name: string;
  /** Variants of one contest are the same thing with other settings: after the warm-up only the best go on. */
  readonly contest?: string;
  /** One run. @returns its figure, of which more is better */
  run(): Promise<number>;
}

/**
 * A variant is out of its contest with less than this part of the best one's figure: enough that noise does not
 * decide, and the ones that have no chance cost no time.
 */
const outOfContest = 0.8;

export interface Rounds {
  /** Of each variant. */
  readonly runs: number;
  readonly unit: string;
  readonly signal: AbortSignal;
}

/**
 * Two rounds to warm up (threads start, caches fill; the second one settles who is out of a contest), then `runs`
 * rounds that count.
 *
 * @returns a row for each variant, in their order; of a contest only its best
 */
export async function takeTurns(
  variants: readonly Variant[],
  { runs, unit, signal }: Rounds,
): Promise<Measurement[]> {
  const round = async (left: readonly Variant[]): Promise<number[]> => {
    const figures: number[] = [];
    for (const variant of left) {
      signal.throwIfAborted();
      figures.push(await variant.run());
    }
    return figures;
  };
  await round(variants);
  const tried = await round(variants);
  const left = variants.filter((variant, i) => tried[i] >= outOfContest * bestOf(variants, tried, variant));
  const rounds: number[][] = [];
  for (let i = 0; i < runs; i++) rounds.push(await round(left));
  const medians = left.map((_, i) => medianOf(rounds.map(figures => figures[i])));
  return left.flatMap((variant, i) => {
    if (medians[i] < bestOf(left, medians, variant)) return [];
    const figures = rounds.map(figures => figures[i]);
    return [summarise(variant.name, unit, figures)];
  });
}

/** How a row stands to another one, round by round: both met the same load in a round. */
export function pairedRatio(name: string, row: Measurement, other: Measurement): Measurement {
  const ratios = row.runs.map((figure, round) => figure / other.runs[round]);
  return summarise(name, '×', ratios);
}

/** @param rows at least one */
export function fastest(rows: readonly Measurement[]): Measurement {
  return rows.reduce((best, row) => (row.median > best.median ? row : best));
}

/** The best figure in a variant's contest; its own where it is in none. */
function bestOf(
  variants: readonly Variant[],
  figures: readonly number[],
  { name, contest }: Variant,
): number {
  const rivals = figures.filter((_, i) =>
    contest === undefined ? variants[i].name === name : variants[i].contest === contest,
  );
  return Math.max(...rivals);
}

/**
 * Images a second of whole epochs, as many as fit into `atLeastMs`, one at least: a single epoch of small images is
 * too short to time.
 */
export async function epochRate(
  images: number,
  atLeastMs: number,
  epoch: () => Promise<void>,
): Promise<number> {
  const start = performance.now();
  let epochs = 0;
  let elapsed = 0;
  do {
    await epoch();
    epochs++;
    elapsed = performance.now() - start;
  } while (elapsed < atLeastMs);
  return (1000 * images * epochs) / elapsed;
}
