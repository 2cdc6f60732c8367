import { ConfigError } from '../errors.js';

/** From the first group's rate to the last one's, those between at equal ratios. */
export interface RateRange {
  readonly from: number;
  readonly to: number;
}

/** One rate for all parameter groups, one for each, or a range over them (fast.ai's `slice`). */
export type LearningRate = number | readonly number[] | RateRange;

/**
 * The rate of each group.
 *
 * @param where what to name in the error
 * @throws ConfigError
 */
export function ratesOf(rate: LearningRate, groups: number, where = 'lr'): number[] {
  const rates = spread(rate, groups);
  if (rates.length !== groups)
    throw new ConfigError(
      `${where} must be one number, or ${groups}, one for each group, not ${rates.length}.`,
      {
        where,
        hint: 'groups are made by the option groups of the optimizer, such as splitLayers(2)',
      },
    );
  const wrong = rates.find(one => !Number.isFinite(one) || one < 0);
  if (wrong !== undefined) throw new ConfigError(`${where} must be finite and ≥ 0, not ${wrong}.`, { where });
  return rates;
}

function spread(rate: LearningRate, groups: number): number[] {
  if (typeof rate === 'number') return Array<number>(groups).fill(rate);
  if (!('from' in rate)) return [...rate];
  const { from, to } = rate;
  if (!(from > 0 && to > 0))
    throw new ConfigError(`A range of rates must be above 0, not ${from} … ${to}.`, {
      where: 'lr { from, to }',
      hint: 'freeze groups that are not to learn: learn.freezeTo(n)',
    });
  // A single group is the last one.
  return Array.from({ length: groups }, (_, i) =>
    groups === 1 ? to : from * (to / from) ** (i / (groups - 1)),
  );
}
