/** Predictions of a whole dataset, in the coordinator's own memory. */
import { LearnerError } from '../errors.js';
import { Accuracy } from '../learner/metric.js';

export interface FloatArray {
  /** float32, row-major. */
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** What a model said about some samples, in the order of their rows in the dataset. */
export interface CapturedPreds {
  /** Outputs of the model, [samples, …output shape]: for a classifier logits, unless an activation was asked for. */
  readonly preds: FloatArray;
  /** int32 class indices, [samples]. */
  readonly targets: Int32Array;
  /** Rows of the dataset, uint32 [samples], ascending. */
  readonly indices: Uint32Array;
  /** What the model was given, after all transforms: [samples, height, width, channels]. Present when asked for. */
  readonly inputs?: FloatArray;
}

/** Elements of one sample. */
const widthOf = ({ shape }: FloatArray): number =>
  shape.slice(1).reduce((product, size) => product * size, 1);

/** @throws LearnerError where a sample's prediction is not a row of class scores */
export function checkClassScores({ shape }: FloatArray, where: string): void {
  if (shape.length === 2) return;
  throw new LearnerError(`The model gives [${shape.join(', ')}], not one row of class scores a sample.`, {
    where,
    hint: "take the outputs as they are: getPreds({ activation: 'none' })",
  });
}

/** Softmax over each row of logits [samples, classes]. @throws LearnerError where they are no such rows */
export function softmax(logits: FloatArray): FloatArray {
  checkClassScores(logits, 'softmax');
  const width = widthOf(logits);
  const data = new Float32Array(logits.data.length);
  for (let start = 0; start < data.length; start += width) {
    const row = logits.data.subarray(start, start + width);
    const highest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const powers = Array.from(row, value => Math.exp(value - highest));
    const sum = powers.reduce((total, power) => total + power, 0);
    for (const [i, power] of powers.entries()) data[start + i] = power / sum;
  }
  return { data, shape: logits.shape };
}

/** The class with the highest score of each row, the first of equals: int32 [samples]. @throws LearnerError */
export function predictedClasses(scores: FloatArray): Int32Array {
  checkClassScores(scores, 'predictedClasses');
  const width = widthOf(scores);
  return Int32Array.from({ length: scores.shape[0] }, (_, sample) => {
    const row = scores.data.subarray(sample * width, (sample + 1) * width);
    return row.reduce((best, value, i) => (value > row[best] ? i : best), 0);
  });
}

/** Share of the samples whose highest score is that of their class. @throws CallbackError if the shapes do not fit */
export function accuracyOf(preds: FloatArray, targets: Int32Array): number {
  const accuracy = new Accuracy();
  accuracy.update(preds, targets);
  return accuracy.compute();
}
