/**
 * The `tf` that recipes are handed: tfjs-core and tfjs-layers as one namespace, as the union package
 * `@tensorflow/tfjs` has it, without its 294 MB. Types follow the union package's names. Importing tfjs-layers
 * also registers every gradient, which tfjs-core's Node bundle does not.
 */
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { registerChainedOps } from './chained-ops.js';

export type Tf = Omit<typeof core, 'default'> & Omit<typeof layers, 'default'>;

export const tf: Tf = { ...core, ...layers };

registerChainedOps();
