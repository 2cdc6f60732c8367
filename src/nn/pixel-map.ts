/**
 * Images rearranged pixel by pixel: for each pixel of the result, where its value comes from. Crops, flips and copied
 * patches are all maps of this kind, and one gather on the device applies a map to a whole batch, be it the same for
 * all its images or another for each.
 */
import type { Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';

export interface Patch {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

export class PixelMap {
  /** One, or the number of images. */
  readonly maps: number;
  /**
   * Index of the first extra pixel. The indices below it are the pixels of the image; in a map per image those of
   * all images, one image after the other.
   */
  readonly firstExtra: number;
  readonly #shape: Tensor4D['shape'];
  readonly #sources: Int32Array;

  /** Starts as the identity. */
  constructor(shape: Tensor4D['shape'], perItem: boolean) {
    const [count, height, width] = shape;
    this.maps = perItem ? count : 1;
    this.firstExtra = this.maps * height * width;
    this.#shape = shape;
    this.#sources = new Int32Array(this.firstExtra);
    for (let pixel = 0; pixel < this.firstExtra; pixel++) this.#sources[pixel] = pixel;
  }

  /** The sources of one map's pixels, row by row; to be written over. */
  sourcesOf(map: number): Int32Array {
    const [, height, width] = this.#shape;
    return this.#sources.subarray(map * height * width, (map + 1) * height * width);
  }

  /** Calls `visit` with the number of each pixel of a patch within its image, row by row. */
  eachPixel({ top, left, height, width }: Patch, visit: (pixel: number) => void): void {
    for (let row = top; row < top + height; row++)
      for (let column = left; column < left + width; column++) visit(row * this.#shape[2] + column);
  }

  /**
   * The images rearranged, as a new tensor.
   *
   * @param extra pixels that come from no image, all their channels: one list for a map per image, one list for each
   *   image (of equal length, one after the other) for a map that all share
   */
  apply(tf: Tf, x: Tensor4D, extra = new Float32Array(0)): Tensor4D {
    const [count, height, width, channels] = this.#shape;
    const indices = tf.tensor1d(this.#sources, 'int32');
    if (this.maps === 1) {
      const own = tf.reshape(x, [count, height * width, channels]) as Tensor3D;
      const more = extra.length / (count * channels);
      const all = more > 0 ? tf.concat3d([own, tf.tensor3d(extra, [count, more, channels])], 1) : own;
      return tf.reshape(tf.gather(all, indices, 1), this.#shape);
    }
    const own = tf.reshape(x, [this.firstExtra, channels]) as Tensor2D;
    const more = extra.length / channels;
    const all = more > 0 ? tf.concat2d([own, tf.tensor2d(extra, [more, channels])], 0) : own;
    return tf.reshape(tf.gather(all, indices, 0), this.#shape);
  }
}
