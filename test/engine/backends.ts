/** Both host engines in one thread, for comparing them: tfjs keeps one active backend, tests switch it. */
import { openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';

export const cpu = await openEngine('cpu', 'cpu:0');
export const wasm = await openEngine('wasm', 'wasm:0');

export type BackendName = 'cpu' | 'wasm' | 'torch';

/** Runs `fn` on a backend and returns its tensors' values. Inputs are made inside, so nothing moves between. */
export async function on(backend: BackendName, fn: () => unknown): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const result = tf.tidy(() => fn() as never);
  const tensors = (Array.isArray(result) ? result : [result]) as import('@tensorflow/tfjs-core').Tensor[];
  const values = tensors.map(tensor => Float32Array.from(tensor.dataSync()));
  for (const tensor of tensors) tensor.dispose();
  return values;
}

/** Largest difference, relative to the largest value of `expected`, or absolute where all are small. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 1e-3;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    // Written so that a NaN on either side is the worst of all.
    const apart = Math.abs(actual[i] - expected[i]);
    if (!(apart <= worst)) worst = apart;
  }
  return worst / largest;
}
