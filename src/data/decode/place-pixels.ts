/** From the samples a file has to those a dataset has. */

/** A decoded image of any size, uint8 HWC. */
export interface DecodedPixels {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Bytes of a pixel: grey 1, grey and alpha 2, RGB 3, RGBA 4. */
  readonly samples: 1 | 2 | 3 | 4;
}

/** Whether it takes no arithmetic: alpha is dropped and grey repeated. RGB to grey is sharp's. */
export function placeable(samples: number, channels: number): boolean {
  return channels === 3 || samples <= 2;
}

/**
 * Writes pixels of `samples` bytes (grey 1, grey and alpha 2, RGB 3, RGBA 4) as pixels of `channels` bytes (grey 1,
 * RGB 3).
 */
export function placePixels(pixels: Uint8Array, samples: number, target: Uint8Array, channels: number): void {
  if (samples === channels) {
    target.set(pixels);
    return;
  }
  const [green, blue] = samples > 2 ? [1, 2] : [0, 0];
  for (let from = 0, to = 0; from < pixels.length; from += samples, to += channels) {
    target[to] = pixels[from];
    if (channels === 3) {
      target[to + 1] = pixels[from + green];
      target[to + 2] = pixels[from + blue];
    }
  }
}
