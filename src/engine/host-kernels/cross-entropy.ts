/** Softmax cross-entropy with integer labels, shifted by the row's maximum so that no exponential overflows. */
import { RecipeError } from '../../errors.js';
import type { HostMemory } from '../host-memory.js';
import type { Kernel } from '../kernel-registration.js';

/** @throws RecipeError at the first label outside 0 … classes − 1 */
export function checkLabels(labels: Int32Array, classes: number): void {
  const row = labels.findIndex(label => label < 0 || label >= classes);
  if (row === -1) return;
  throw new RecipeError(
    `Label ${labels[row]} has no output: the model's last layer has ${classes} outputs.`,
    {
      where: `row ${row} of the batch`,
      hint: 'Give the last layer one output per class of the dataset; labels start at 0.',
    },
  );
}

export const crossEntropy: Kernel<HostMemory> = ({ logits, labels }, attrs, memory) => {
  checkLabels(memory.int32(labels), logits.shape[1]);
  const outputs = [memory.allocate([]), memory.allocate(logits.shape)];
  const [loss, probabilities] = outputs.map(output => memory.float32(output));
  const scores = memory.float32(logits);
  const targets = memory.int32(labels);
  const classes = logits.shape[1];
  let total = 0;
  for (let row = 0; row < targets.length; row++) {
    const start = row * classes;
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = start; i < start + classes; i++) highest = Math.max(highest, scores[i]);
    let sum = 0;
    for (let i = start; i < start + classes; i++) {
      const power = Math.exp(scores[i] - highest);
      probabilities[i] = power;
      sum += power;
    }
    for (let i = start; i < start + classes; i++) probabilities[i] /= sum;
    total += Math.log(sum) + highest - scores[start + targets[row]];
  }
  loss[0] = total * (attrs.weight as number);
  return outputs;
};

export const crossEntropyGrad: Kernel<HostMemory> = ({ probabilities, labels, dy }, attrs, memory) => {
  const output = memory.allocate(probabilities.shape);
  const gradient = memory.float32(output);
  const targets = memory.int32(labels);
  const classes = probabilities.shape[1];
  const factor = memory.float32(dy)[0] * (attrs.weight as number);
  gradient.set(memory.float32(probabilities));
  for (let row = 0; row < targets.length; row++) gradient[row * classes + targets[row]] -= 1;
  for (let i = 0; i < gradient.length; i++) gradient[i] *= factor;
  return output;
};
