/** Replacing the `call` of a stock layer class, for all its layers in this thread. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../engine/tf.js';

export type LayerCall<Layer> = (
  this: Layer,
  inputs: Tensor | Tensor[],
  kwargs: CallArguments,
) => Tensor | Tensor[];

export interface CallArguments {
  readonly training?: boolean;
}

const patched = new Set<string>();

/**
 * @param className such as `BatchNormalization`
 * @param fused computes the layer's output, or returns undefined where the stock call must do it
 */
export function patchLayer<Layer>(
  className: string,
  fused: (layer: Layer, input: Tensor, kwargs: CallArguments) => Tensor | undefined,
): void {
  if (patched.has(className)) return;
  patched.add(className);
  // From the registry, not from an instance: making one would use up an automatic layer name.
  const [layerClass] = tf.serialization.SerializationMap.getMap().classNameMap[className];
  const prototype = layerClass.prototype as unknown as { call: LayerCall<Layer> };
  const stock = prototype.call;
  prototype.call = function call(this: Layer, inputs, kwargs) {
    const input = Array.isArray(inputs) ? inputs[0] : inputs;
    return tf.tidy(() => fused(this, input, kwargs ?? {}) ?? stock.call(this, inputs, kwargs));
  };
}

/** Whether operations are being recorded for a backward pass. */
export const isRecording = (): boolean => tf.engine().state.gradientDepth > 0;
