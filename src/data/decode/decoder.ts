/**
 * Turns the bytes of an image file into pixels. `Decode` is all that the rest of the loader knows of it, so a
 * faster decoder takes this one's place, or stands before it, without a change elsewhere.
 */
import type { Sharp } from 'sharp';
import type { ImageShape } from '../../protocol/batch.js';

/**
 * Decodes `file` and writes exactly one image of `shape`, uint8 HWC, into `target`. Nothing is written unless
 * the whole image is sound and fits. `file` belongs to the caller again once the decoder is done. A decoder
 * that needs no waiting returns nothing instead of a promise.
 *
 * @throws Error with the reason; the caller adds the file and the row
 */
export type Decode = (
  file: Uint8Array,
  target: Uint8Array,
  shape: ImageShape,
  resize: boolean,
) => Promise<void> | undefined;

type SharpModule = typeof import('sharp')['default'];

/** sharp costs 0.1 s to load: only what really decodes pays for it. */
export async function loadSharp(): Promise<SharpModule> {
  return (await import('sharp')).default;
}

/**
 * Decodes everything that sharp reads. Greyscale is the luminance of the image; an alpha channel is dropped;
 * resizing stretches to the shape with a linear kernel; EXIF orientation is not applied (as in torchvision).
 */
export function sharpDecoder(sharp: SharpModule): Decode {
  return async (file, target, [height, width, channels], resize) => {
    // sharp's own `failOn: 'warning'` stays: with 'none' it accepts bit-flipped files.
    let image: Sharp = sharp(file);
    if (resize) image = image.resize(width, height, { fit: 'fill', kernel: 'linear' });
    const { data, info } = await image
      .removeAlpha()
      // Without it sharp gives three channels for a grey PNG.
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.height !== height || info.width !== width || info.channels !== channels) {
      throw new ShapeMismatch([info.height, info.width, info.channels], [height, width, channels]);
    }
    target.set(data);
  };
}

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
