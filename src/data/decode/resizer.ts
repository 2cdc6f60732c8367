/** Resizing of what a faster decoder than sharp has decoded, to the pixels that sharp would have made of the file. */
import type { ImageShape } from '../../protocol/batch.js';
import type { Resize } from './decode.js';
import type { DecodedPixels } from './place-pixels.js';
import { resizePixels } from './sharp-decoder.js';

/** Whether pixels are resized to what their file would be. By `nearest`, sharp takes others of a file. */
export function resizesPixels(resize: Resize | undefined): resize is Resize {
  return resize !== undefined && resize.kernel !== 'nearest';
}

/** Decodes an image into memory that it takes, to be resized; undefined where sharp has to decode it. */
export type Pixels = (resize: Resize, take: (bytes: number) => Uint8Array) => DecodedPixels | undefined;

/** What resizes pixels of whoever decodes them. It gives undefined where sharp has to do both. */
export function resizer(
  shape: ImageShape,
  resize: Resize | undefined,
): (target: Uint8Array, decode: Pixels) => Promise<void> | undefined {
  if (!resizesPixels(resize)) return () => undefined;
  const buffers = new PixelBuffers();
  return (target, decode) => {
    let buffer: Buffer | undefined;
    const take = (bytes: number): Uint8Array => {
      buffer = buffers.take(bytes);
      return buffer.subarray(0, bytes);
    };
    const giveBack = (): void => {
      if (buffer !== undefined) buffers.give(buffer);
    };
    const decoded = decode(resize, take);
    if (decoded !== undefined) return resizePixels(decoded, target, shape, resize).finally(giveBack);
    giveBack();
    return undefined;
  };
}

/** Memory for images on their way to be resized, used again: the system would clear new memory for each of them. */
class PixelBuffers {
  /** Nobody holds them at the moment; there are as many as images were ever under way. */
  readonly #spare: Buffer[] = [];

  /** At least so many bytes, whatever is in them. */
  take(bytes: number): Buffer {
    const buffer = this.#spare.pop();
    if (buffer !== undefined && buffer.length >= bytes) return buffer;
    return Buffer.allocUnsafeSlow(bytes);
  }

  give(buffer: Buffer): void {
    this.#spare.push(buffer);
  }
}
