/** Activations that tfjs fuses into convolutions and matrix products. */
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import { EngineError } from '../../../errors.js';
import type { Attribute } from '../native-calls.js';

/** In the order of `ActivationKind` (native/ops/activation.h). */
const activations = ['linear', 'relu', 'relu6', 'elu', 'prelu', 'leakyrelu', 'sigmoid'];

/** The arguments that `Activation::read` reads. */
export function activationOf({ activation, leakyreluAlpha }: NamedAttrMap): Attribute[] {
  const kind = activations.indexOf((activation as string | undefined) ?? 'linear');
  if (kind < 0) {
    throw new EngineError(`The torch engine cannot fuse the activation ${activation}.`, {
      hint: `It knows ${activations.join(', ')}.`,
    });
  }
  return [kind, (leakyreluAlpha as number | undefined) ?? 0];
}
