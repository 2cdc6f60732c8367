/**
 * The `tf` that recipes are handed: tfjs-core and tfjs-layers as one namespace, as the union package
 * `@tensorflow/tfjs` has it, without its 294 MB. Types follow the union package's names.
 */
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';

export type Tf = Omit<typeof core, 'default'> & Omit<typeof layers, 'default'>;

export const tf: Tf = { ...core, ...layers };
