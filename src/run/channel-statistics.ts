import type { BadSamplePolicy } from '../data/bad-samples.js';
import type { Dataset, Sample } from '../data/dataset.js';
import { SampleError } from '../errors.js';

export interface ChannelStatistics {
  /** By channel, of values scaled to 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Images looked at: enough for two digits, and few enough not to delay the first step. */
const sampledImages = 256;
/** Of each image, likewise. */
const sampledPixels = 4096;
/** Images in memory at a time. */
const together = 8;

/**
 * Mean and standard deviation of each channel, over up to 256 images spread evenly over the dataset. Those that cannot
 * be used are passed over where bad samples are skipped.
 *
 * @throws SampleError where one cannot be used, or none of them can
 */
export async function channelStatistics(
  dataset: Dataset,
  onBadSample: BadSamplePolicy = 'fail',
): Promise<ChannelStatistics> {
  let firstError: SampleError | undefined;
  const pixelsOf = async (row: number): Promise<Sample | undefined> => {
    try {
      return await dataset.get(row);
    } catch (error) {
      if (onBadSample === 'fail' || !(error instanceof SampleError)) throw error;
      firstError ??= error;
      return undefined;
    }
  };
  const sums = new ChannelSums(dataset.imageShape[2]);
  const count = Math.min(sampledImages, dataset.length);
  for (let first = 0; first < count; first += together) {
    const rows = Array.from({ length: Math.min(together, count - first) }, (_, i) => {
      return Math.floor(((first + i) * dataset.length) / count);
    });
    for (const sample of await Promise.all(rows.map(pixelsOf))) if (sample) sums.add(sample.pixels);
  }
  if (firstError !== undefined && sums.isEmpty) throw firstError;
  return sums.statistics();
}

class ChannelSums {
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  #pixels = 0;

  constructor(channels: number) {
    this.#sum = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** @param pixels uint8, the channels of a pixel side by side */
  add(pixels: Uint8Array): void {
    const channels = this.#sum.length;
    const step = Math.ceil(pixels.length / channels / sampledPixels) * channels;
    for (let at = 0; at < pixels.length; at += step) {
      for (let channel = 0; channel < channels; channel++) {
        const value = pixels[at + channel] / 255;
        this.#sum[channel] += value;
        this.#squares[channel] += value * value;
      }
      this.#pixels++;
    }
  }

  get isEmpty(): boolean {
    return this.#pixels === 0;
  }

  statistics(): ChannelStatistics {
    const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;
    const mean = Array.from(this.#sum, total => total / this.#pixels);
    const std = Array.from(this.#squares, (total, channel) =>
      Math.sqrt(Math.max(0, total / this.#pixels - mean[channel] ** 2)),
    );
    // A constant channel has no spread to divide by.
    return { mean: mean.map(rounded), std: std.map(value => rounded(value) || 1) };
  }
}
