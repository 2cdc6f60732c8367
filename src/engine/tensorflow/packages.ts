/** The stock TensorFlow bindings, where the user installed one: the GPU build before the CPU build. */
import { packageVersion } from '../package-version.js';

export interface TensorflowPackage {
  readonly name: '@tensorflow/tfjs-node-gpu' | '@tensorflow/tfjs-node';
  readonly version: string;
  readonly usesGpu: boolean;
}

export function installedTensorflow(): TensorflowPackage | undefined {
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const) {
    const version = packageVersion(name);
    if (version) return { name, version, usesGpu: name === '@tensorflow/tfjs-node-gpu' };
  }
  return undefined;
}
