/** Draws from the Beta distribution, which shares of mixed batches come from. */
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';

/**
 * Logarithm of a draw from Gamma(shape, 1): Marsaglia and Tsang, "A simple method for generating gamma variables"
 * (2000), with their boost for shapes below 1. The logarithm, as the draw itself underflows for small shapes.
 */
function logGamma(shape: number, random: Random): number {
  if (shape < 1) return logGamma(shape + 1, random) + Math.log(1 - random.float()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const [x] = random.normals();
    const v = (1 + c * x) ** 3;
    const u = 1 - random.float();
    if (v > 0 && Math.log(u) < (x * x) / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
  }
}

/**
 * From Beta(alpha, alpha), over 0 … 1.
 *
 * @throws RecipeError when alpha is not above 0
 */
export function betaDraw(alpha: number, random: Random): number {
  if (!(alpha > 0 && alpha < Number.POSITIVE_INFINITY)) {
    throw new RecipeError(`A batch cannot be mixed with alpha ${alpha}.`, {
      where: 'batch.mix',
      hint: 'Give a number above 0: 0.4 mixes lightly, 1 draws every share alike.',
    });
  }
  const [first, second] = [logGamma(alpha, random), logGamma(alpha, random)];
  return 1 / (1 + Math.exp(second - first));
}
