/** Variants measured in turns, ours and the peers' alike, so that a change of load meets all of them. */
import { type Measurement, summarise } from './harness.js';

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
  const left = variants.filter((variant, i) => {
    const best = winner(variants, tried, variant);
    return tried[i] >= outOfContest * tried[best];
  });
  const rounds: number[][] = [];
  for (let i = 0; i < runs; i++) rounds.push(await round(left));
  const rows = left.map(({ name }, i) => {
    const figures = rounds.map(round => round[i]);
    return summarise(name, unit, figures);
  });
  const medians = rows.map(({ median }) => median);
  return rows.filter((_, i) => winner(left, medians, left[i]) === i);
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

/** Index of the best one in a variant's contest, the first of equals; of the variant itself where it is in none. */
function winner(variants: readonly Variant[], figures: readonly number[], variant: Variant): number {
  const { contest } = variant;
  let best = variants.indexOf(variant);
  for (const [i, rival] of variants.entries()) {
    const inContest = contest !== undefined && rival.contest === contest;
    if (inContest && (figures[i] > figures[best] || (figures[i] === figures[best] && i < best))) best = i;
  }
  return best;
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
