/** What a decoder is: all that the rest of the loader knows of it. */
import type { ImageShape } from '../../protocol/batch.js';

export const fits = ['fill', 'cover', 'contain'] as const;
export const kernels = ['nearest', 'linear', 'cubic', 'lanczos3'] as const;

/** How an image of another size is brought to the dataset's. */
export interface Resize {
  /**
   * `fill` stretches; `cover` scales until the shape is covered and cuts the middle out; `contain` scales until the
   * whole image is within the shape and pads with black. The names are those of CSS and sharp.
   */
  readonly fit: (typeof fits)[number];
  readonly kernel: (typeof kernels)[number];
  /** Turn and mirror it first as its EXIF orientation says. Default false. */
  readonly autoOrient?: boolean;
}

/**
 * Decodes `file` and writes exactly one image, uint8 HWC, into `target`. Nothing is written unless the whole image is
 * sound and fits. `file` belongs to the caller again once the decoder is done. A decoder that needs no waiting
 * returns nothing instead of a promise.
 *
 * @throws Error with the reason, ShapeMismatch; the caller adds the file and the row
 */
export type Decode = (file: Uint8Array, target: Uint8Array) => Promise<void> | undefined;

/** An image has another size than the dataset. */
export class ShapeMismatch extends Error {
  constructor(found: ImageShape, expected: ImageShape) {
    super(
      `it is ${found[0]}x${found[1]} with ${found[2]} channel(s), ` +
        `the dataset's images are ${expected[0]}x${expected[1]} with ${expected[2]}`,
    );
    this.name = 'ShapeMismatch';
  }
}
