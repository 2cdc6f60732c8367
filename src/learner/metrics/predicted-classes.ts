/** From predictions to class indices, checked. */
import { CallbackError } from '../../errors.js';
import type { Predictions } from '../../protocol/step-runner.js';

/** Place of the first highest of the `width` values from `start` on, counted from `start`. */
export function argmax(data: Float32Array, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (data[start + i] > data[start + best]) best = i;
  return best;
}

/**
 * Class of each sample: the first highest of its row, or the prediction itself where they are [size] already.
 *
 * @param preds [size, classes] scores, or [size] class indices
 * @param targets class indices, [size]
 * @param metric name for the error
 * @throws CallbackError if the shapes do not fit, or a prediction [size] is no class index
 */
export function predictedClasses(
  { data, shape }: Predictions,
  targets: Int32Array,
  metric: string,
): Int32Array {
  const [size, width = 1] = shape;
  if (shape.length > 2 || (shape.length === 2 && width < 2) || size !== targets.length)
    throw new CallbackError(
      `${metric} needs predictions [${targets.length}, classes], not [${shape.join(', ')}].`,
      { where: `${metric}.update`, hint: 'use a metric made for this model and its targets' },
    );
  if (shape.length === 2) return Int32Array.from({ length: size }, (_, i) => argmax(data, i * width, width));
  const odd = data.subarray(0, size).findIndex(value => !Number.isInteger(value) || value < 0);
  if (odd >= 0)
    throw new CallbackError(`${metric} was given ${data[odd]} as a predicted class.`, {
      where: `${metric}.update`,
      hint: 'predictions of one value a sample must be class indices; scores need a column per class',
    });
  return Int32Array.from(data.subarray(0, size));
}
