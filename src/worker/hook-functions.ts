/**
 * The hook functions that every replica has, and how a recipe's own are called. The part on the device only
 * enqueues work; its results are read at the end of the step, and finished on the host.
 */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { BuiltInHook, HistogramRange, HookValue } from '../protocol/hooks.js';
import type { HookContext, HookFunction } from './recipe.js';

/** Results on the device and numbers, by name, and how they become a report. */
export interface Observation {
  readonly results: Readonly<Record<string, Tensor | number | readonly number[]>>;
  /** In the place of what the layer gave. */
  readonly output?: Tensor;
  /** Default: scalars as numbers, all other tensors as flat float32 arrays. */
  readonly finish?: (values: HookValue) => HookValue;
}

export type Observe = (tf: Tf, value: Tensor, context: HookContext) => Observation;

/** float32 counts ones exactly up to here. */
const mostCounted = 2 ** 24;

/**
 * Number of elements in each of `bins` equal bins from `low` to `high`, as torch.histc: the last bin has both its
 * edges, and what lies outside, or is no number, is left out.
 *
 * @param rows [samples, features]
 * @returns float32 [bins] for each part of the rows that is small enough to be counted exactly
 */
function histogram(tf: Tf, rows: Tensor, { bins, low, high, scale }: HistogramRange): Tensor {
  const [samples, features] = rows.shape;
  const size = scale === 'signed' ? rows : tf.abs(rows);
  // Nothing is smaller than the first bin of a logarithmic range: zeros are counted there.
  const place = scale === 'log10' ? tf.div(tf.log(tf.maximum(size, 10 ** low)), Math.LN10) : size;
  const bin = tf.floor(tf.mul(tf.sub(place, low), bins / (high - low)));
  const isInside = tf.logicalAnd(
    tf.lessEqual(size, scale === 'log10' ? 10 ** high : high),
    tf.greaterEqual(size, scale === 'signed' ? low : 0),
  );
  const ids = tf.cast(tf.where(isInside, tf.clipByValue(bin, 0, bins - 1), bins), 'int32');
  const step = Math.max(1, Math.floor(mostCounted / features));
  const parts: Tensor[] = [];
  for (let start = 0; start < samples; start += step) {
    const part = tf.reshape(tf.slice(ids, [start, 0], [Math.min(step, samples - start), features]), [-1]);
    const counts = tf.unsortedSegmentSum(tf.onesLike(tf.cast(part, 'float32')), part as Tensor1D, bins + 1);
    parts.push(tf.slice(counts, [0], [bins]));
  }
  return tf.stack(parts);
}

/**
 * Count, mean, sum of squared deviations from it, histogram. Mean and deviations are computed for each sample in
 * float32 and joined in double precision: the same numbers however the batch is divided, and no long sums of float32.
 */
const stats: Observe = (tf, value, { options }) => {
  const range = options as unknown as HistogramRange;
  const [samples] = value.shape;
  const rows = tf.reshape(tf.cast(value, 'float32'), [samples, -1]);
  const features = rows.shape[1]!;
  const means = tf.mean(rows, 1, true);
  const squares = tf.sum(tf.square(tf.sub(rows, means)), 1);
  return {
    results: { means, squares, histogram: histogram(tf, rows, range) },
    finish: values => {
      const rowMeans = values.means as Float32Array;
      const mean = rowMeans.reduce((sum, row) => sum + row, 0) / samples;
      const within = (values.squares as Float32Array).reduce((sum, row) => sum + row, 0);
      const between = rowMeans.reduce((sum, row) => sum + (row - mean) ** 2, 0) * features;
      const parts = values.histogram as Float32Array;
      const counts = new Array<number>(range.bins).fill(0);
      parts.forEach((count, i) => {
        counts[i % range.bins] += count;
      });
      return { count: samples * features, mean, m2: within + between, histogram: counts };
    },
  };
};

const shape: Observe = (_tf, value) => ({ results: { shape: value.shape } });

const capture: Observe = (tf, value) => ({
  results: { shape: value.shape, data: tf.reshape(tf.cast(value, 'float32'), [-1]) },
});

export const builtInHooks: Readonly<Record<BuiltInHook, Observe>> = { stats, shape, capture };

/** A recipe's function as one of ours. `output`, where it gives one, is what the layer gives from now on. */
export function recipeHook(name: string, own: HookFunction): Observe {
  return (tf, value, context) => {
    const given: unknown = own(tf, value, context);
    if (given === undefined || given === null) return { results: {} };
    if (typeof given !== 'object' || given instanceof tf.Tensor)
      throw new RecipeError(
        `the hook '${name}' returned ${typeof given === 'object' ? 'a tensor' : typeof given}`,
        {
          where: `layer ${context.layer}`,
          hint: 'return named tensors and numbers: { norm: tf.norm(value) }, or { output } to replace the value',
        },
      );
    const { output, ...results } = given as Record<string, Tensor | number>;
    for (const [key, result] of Object.entries(results)) {
      if (typeof result === 'number' || result instanceof tf.Tensor) continue;
      throw new RecipeError(`the hook '${name}' returned ${typeof result} as '${key}'`, {
        where: `layer ${context.layer}`,
        hint: 'what is reported is a tensor or a number',
      });
    }
    if (output !== undefined) checkReplacement(tf, name, output, value, context);
    return { results, output: output as Tensor | undefined };
  };
}

/** What replaces a layer's output must fit what comes after it. */
function checkReplacement(
  tf: Tf,
  name: string,
  output: unknown,
  value: Tensor,
  { layer }: HookContext,
): void {
  const fits =
    output instanceof tf.Tensor && output.dtype === value.dtype && output.shape.join() === value.shape.join();
  if (fits) return;
  const got = output instanceof tf.Tensor ? `${output.dtype} [${output.shape}]` : typeof output;
  throw new RecipeError(`the hook '${name}' put ${got} in the place of ${value.dtype} [${value.shape}]`, {
    where: `layer ${layer}`,
    hint: 'the output it returns must have the type and shape of the value it was given',
  });
}
