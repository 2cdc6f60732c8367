import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ParameterInfo } from '../protocol/optimizer.js';

const sizeOf = (shape: readonly (number | null)[]): number => shape.reduce<number>((n, d) => n * (d ?? 1), 1);

/** Weights of layers laid out one after the other in a flat buffer. */
export function parameterInfos(weights: LayersModel['weights']): ParameterInfo[] {
  let offset = 0;
  return weights.map(({ name, shape }) => {
    const size = sizeOf(shape);
    offset += size;
    return { name, shape: shape as number[], offset: offset - size, size };
  });
}
