/** Images as arrays, made into pixels that can be shown. */
import { ConfigError } from '../errors.js';

/** uint8 0 … 255, or floats of any range; row-major. */
export type PixelData = Uint8Array | Uint8ClampedArray | Float32Array | Float64Array | readonly number[];

/** One image: [height, width], or [height, width, channels] with 1 (grey), 3 (RGB) or 4 (RGBA) channels. */
export interface Picture {
  readonly data: PixelData;
  readonly shape: readonly number[];
}

/** How floats become colours; uint8 is shown as it is. */
export interface PixelScale {
  /**
   * Undo a normalisation: shown is value × std + mean, 0 black and 1 white; one number, or one for each channel.
   */
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
  /** Values shown as black and white. Default, without mean and std: the lowest and highest there are. */
  readonly range?: readonly [number, number];
}

export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

/**
 * The images of a batch, such as the pixels of a loader's batch or the predictions of an autoencoder. They are
 * views of its memory.
 *
 * @param shape [size, height, width] or [size, height, width, channels]
 * @throws ConfigError if that is not its shape
 */
export function picturesOf({ data, shape }: Picture): Picture[] {
  const [size, ...rest] = shape;
  const length = rest.reduce((product, one) => product * one, 1);
  if (rest.length < 2 || rest.length > 3 || size * length !== data.length)
    throw new ConfigError(`[${shape.join(', ')}] is no batch of images of ${data.length} values.`, {
      where: 'picturesOf',
      hint: 'it must be [size, height, width] or [size, height, width, channels]',
    });
  const part = (start: number): PixelData =>
    'subarray' in data ? data.subarray(start, start + length) : data.slice(start, start + length);
  return Array.from({ length: size }, (_, index) => ({ data: part(index * length), shape: rest }));
}

const isBytes = ({ data }: Picture): boolean =>
  data instanceof Uint8Array || data instanceof Uint8ClampedArray;

/** Lowest and highest finite value of all float pictures. */
export function rangeOf(pictures: readonly Picture[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const picture of pictures) {
    if (isBytes(picture)) continue;
    for (const value of picture.data) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low < high ? [low, high] : [Math.min(low, 0), Math.max(high, 1)];
}

/** @throws ConfigError if the shape is none of an image */
export function pixelsOf(picture: Picture, scale: PixelScale = {}): Pixels {
  const { data, shape } = picture;
  const [height, width, channels = 1] = shape;
  const known = channels === 1 || channels === 3 || channels === 4;
  if (shape.length < 2 || shape.length > 3 || !known || height * width * channels !== data.length)
    throw new ConfigError(`[${shape.join(', ')}] is no image of ${data.length} values.`, {
      where: 'showImage',
      hint: 'it must be [height, width] or [height, width, channels], with 1, 3 or 4 channels, the channels last',
    });
  const size = { width, height, channels } as const;
  if (isBytes(picture)) return { ...size, data: Uint8Array.from(data) };
  const byte = toByte(scale, scale.range ?? rangeOf([picture]));
  return { ...size, data: Uint8Array.from(data, (value, i) => byte(value, i % channels)) };
}

function toByte({ mean, std, range: given }: PixelScale, range: readonly [number, number]) {
  const of = (value: number | readonly number[] | undefined, channel: number, otherwise: number): number =>
    typeof value === 'number' ? value : (value?.[channel] ?? otherwise);
  const normalised = mean !== undefined || std !== undefined;
  const [low, high] = normalised && !given ? [0, 1] : range;
  return (value: number, channel: number): number => {
    const shown = normalised ? value * of(std, channel, 1) + of(mean, channel, 0) : value;
    // NaN is black.
    return Math.max(0, Math.min(255, Math.round(((shown - low) / (high - low)) * 255))) || 0;
  };
}
