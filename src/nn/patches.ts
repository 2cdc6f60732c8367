/** What randErase and randCopy share: how many patches, how large and where, as in the lessons. */
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { Patch } from './pixel-map.js';
import type { PatchOptions } from './transform-specs.js';

export class PatchDraws {
  /** Pixels of a patch. */
  readonly area: number;
  readonly #height: number;
  readonly #width: number;
  readonly #options: Required<Pick<PatchOptions, 'pct' | 'maxNum'>>;

  /** @throws RecipeError */
  constructor(name: string, height: number, width: number, options: PatchOptions) {
    const { pct = 0.2, maxNum = 4 } = options;
    if (!(pct > 0 && pct < 1) || !Number.isInteger(maxNum) || maxNum < 0) {
      throw new RecipeError(`The transform ${name} cannot use pct ${pct} and maxNum ${maxNum}.`, {
        where: 'transforms',
        hint: 'Give pct between 0 and 1 (a share of each side) and maxNum as a whole number.',
      });
    }
    this.#height = height;
    this.#width = width;
    this.#options = { pct, maxNum };
    this.area = this.#part(height) * this.#part(width);
    if (this.area === 0) {
      throw new RecipeError(`The transform ${name} has patches of no pixels with pct ${pct}.`, {
        where: `images of ${height}×${width}`,
        hint: 'Give a larger pct.',
      });
    }
  }

  #part(side: number): number {
    return Math.trunc(this.#options.pct * side);
  }

  /** 0 … maxNum, both included. */
  count(random: Random): number {
    return random.below(this.#options.maxNum + 1);
  }

  /** int(pct · side) pixels a side, from int(r · (1 − pct) · side) on, r uniform over [0, 1). */
  patch(random: Random): Patch {
    const start = (side: number) => Math.trunc(random.float() * (1 - this.#options.pct) * side);
    const [height, width] = [this.#part(this.#height), this.#part(this.#width)];
    return { top: start(this.#height), left: start(this.#width), height, width };
  }
}
