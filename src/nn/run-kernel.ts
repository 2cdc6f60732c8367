import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../engine/tf.js';

/** Runs a kernel of the active backend by name; absent inputs are left out. */
export function runKernel<T extends Tensor | Tensor[]>(
  name: string,
  inputs: Record<string, Tensor | undefined>,
  attrs: NamedAttrMap = {},
): T {
  const present = Object.entries(inputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  return tf.engine().runKernel(name, Object.fromEntries(present), attrs) as T;
}
