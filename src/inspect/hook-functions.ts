/** What hooks compute on the replicas, and how the reports of several replicas become one. */
import { ConfigError } from '../errors.js';
import type { HistogramRange, HookValue } from '../protocol/hooks.js';

/** A function of the replicas by name, with its options, and how its values are joined. */
export interface HookFunction<Value> {
  /** A built-in one, or one of the recipe's `hooks`. */
  readonly fn: string;
  /** JSON for it. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** @param values one of each replica that had samples, in rank order, which is the order of the batch */
  readonly merge: (values: readonly HookValue[]) => Value;
}

/** Statistics of a layer's values over a whole batch. */
export interface LayerStats {
  /** How many values. */
  readonly count: number;
  readonly mean: number;
  /** Unbiased, as torch.std: divided by count − 1. */
  readonly std: number;
  /** Values in each bin. What lies beyond the last bin is not counted. */
  readonly histogram: readonly number[];
}

export interface StatsOptions {
  /** Default 40. */
  readonly bins?: number;
  /** Upper edge of the last bin. Default 10. */
  readonly max?: number;
  /** Count sizes |x| from 0 (default), or the values themselves from −max. */
  readonly absolute?: boolean;
  /**
   * Count log₁₀ |x| from the first to the second exponent instead; smaller sizes, 0 too, fall in the first bin. For
   * values whose size is not known beforehand, such as gradients.
   */
  readonly decades?: readonly [number, number];
}

/** @throws ConfigError */
export function histogramRange({
  bins = 40,
  max = 10,
  absolute = true,
  decades,
}: StatsOptions = {}): HistogramRange {
  if (!Number.isInteger(bins) || bins < 1 || bins > 4096)
    throw new ConfigError(`bins must be a whole number of 1 … 4096, not ${bins}.`, { where: 'stats' });
  if (!decades) {
    if (!(Number.isFinite(max) && max > 0))
      throw new ConfigError(`max must be a number above 0, not ${max}.`, { where: 'stats' });
    return { bins, low: absolute ? 0 : -max, high: max, scale: absolute ? 'size' : 'signed' };
  }
  const [low, high] = decades;
  // float32 ends there.
  if (!(low >= -37 && low < high && high <= 38))
    throw new ConfigError(`decades must be two rising exponents within −37 … 38, not [${decades}].`, {
      where: 'stats',
    });
  return { bins, low, high, scale: 'log10' };
}

interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared deviations from the mean. */
  readonly m2: number;
}

/** Of two sets together (Chan, Golub, LeVeque 1979): no difference of large sums, so nothing cancels. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  const delta = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (delta * b.count) / count,
    m2: a.m2 + b.m2 + (delta * delta * a.count * b.count) / count,
  };
}

/** Element by element. */
function addUp(lists: readonly ArrayLike<number>[]): number[] {
  const sums = Array.from(lists[0]);
  for (const list of lists.slice(1)) for (let i = 0; i < sums.length; i++) sums[i] += list[i];
  return sums;
}

/** Count, mean, standard deviation and histogram, exact for the whole batch. @throws ConfigError */
export function stats(options?: StatsOptions): HookFunction<LayerStats> {
  const range = histogramRange(options);
  return {
    fn: 'stats',
    options: { ...range },
    merge: values => {
      const { count, mean, m2 } = (values as unknown as readonly Moments[]).reduce(mergeMoments);
      const histogram = addUp(values.map(value => value.histogram as readonly number[]));
      return { count, mean, std: Math.sqrt(m2 / (count - 1)), histogram };
    },
  };
}

/** The shape of the whole batch's values, samples first. */
export const shape = (): HookFunction<number[]> => ({
  fn: 'shape',
  merge: values => {
    const shapes = values.map(value => value.shape as readonly number[]);
    const samples = shapes.reduce((sum, [first]) => sum + first, 0);
    return [samples, ...shapes[0].slice(1)];
  },
});

/** All values of a layer, float32, row-major. */
export interface Captured {
  /** [samples, …] */
  readonly shape: readonly number[];
  /** In batch order. */
  readonly data: Float32Array;
}

/** The values themselves, of the whole batch. */
export const capture = (): HookFunction<Captured> => ({
  fn: 'capture',
  merge: values => {
    const parts = values.map(value => value.data as Float32Array);
    const data = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const part of parts) {
      data.set(part, offset);
      offset += part.length;
    }
    return { shape: shape().merge(values), data };
  },
});

export interface RecipeHookOptions<Value> {
  /** JSON handed to the function as `context.options`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** In the place of adding up. */
  readonly merge?: (values: readonly HookValue[]) => Value;
}

/** One of the recipe's `hooks` by its name. What replicas report is added up, number by number, unless `merge` is given. */
export function recipeHook<Value = HookValue>(
  fn: string,
  { options, merge }: RecipeHookOptions<Value> = {},
): HookFunction<Value> {
  return { fn, options, merge: merge ?? (values => addValues(fn, values) as Value) };
}

/** As a recipe's metrics are. @throws ConfigError when replicas reported unlike things */
function addValues(fn: string, values: readonly HookValue[]): HookValue {
  const sum: Record<string, number | number[]> = {};
  for (const name of Object.keys(values[0])) {
    const all = values.map(value => value[name]);
    if (all.every(one => typeof one === 'number')) sum[name] = all.reduce((a, b) => a + b, 0);
    else {
      const lists = all.map(one => (one === undefined || typeof one === 'number' ? [] : one));
      if (lists.some(({ length }) => length !== lists[0].length))
        throw new ConfigError(`The replicas' values of ${name} have different sizes and cannot be added.`, {
          where: `hook ${fn}`,
          hint: 'report sums over the samples, or say how they are joined: recipeHook(name, { merge })',
        });
      sum[name] = addUp(lists);
    }
  }
  return sum;
}

/** The built-in functions by their names. */
interface ByName {
  readonly stats: LayerStats;
  readonly shape: number[];
  readonly capture: Captured;
}

/** What a hook can be given: a function with its options, or the name of one without. */
export type HookChoice = HookFunction<unknown> | string;

/** What a hook with this function gives. */
export type HookResult<Choice extends HookChoice> =
  Choice extends HookFunction<infer Value> ? Value : Choice extends keyof ByName ? ByName[Choice] : HookValue;

const byName: { readonly [Name in keyof ByName]: () => HookFunction<ByName[Name]> } = {
  stats,
  shape,
  capture,
};

export function resolveHookFunction<Choice extends HookChoice>(
  choice: Choice,
): HookFunction<HookResult<Choice>> {
  if (typeof choice !== 'string') return choice as unknown as HookFunction<HookResult<Choice>>;
  const make = Object.hasOwn(byName, choice) ? byName[choice as keyof ByName] : () => recipeHook(choice);
  return make() as HookFunction<HookResult<Choice>>;
}
