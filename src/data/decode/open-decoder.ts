/** Which decoder serves a file. */
import type { ImageShape } from '../../protocol/batch.js';
import type { Decode, Resize } from './decode.js';
import { sharpDecoder } from './sharp-decoder.js';

/** A decoder of images that become `shape`. Loads nothing until the first image needs it. */
export function openDecoder(shape: ImageShape, resize?: Resize): Decode {
  return sharpDecoder(shape, resize);
}
