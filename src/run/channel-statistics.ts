import type { Dataset } from '../data/dataset.js';

export interface ChannelStatistics {
  /** By channel, of values scaled to 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Images looked at: enough for two digits, and few enough not to delay the first step. */
const sampled = 256;

/** Mean and standard deviation of each channel, over up to 256 images spread evenly over the dataset. */
export async function channelStatistics(dataset: Dataset): Promise<ChannelStatistics> {
  const channels = dataset.imageShape[2];
  const count = Math.min(sampled, dataset.length);
  const rows = Array.from({ length: count }, (_, i) => Math.floor((i * dataset.length) / count));
  const samples = await Promise.all(rows.map(row => dataset.get(row)));
  const sum = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let pixels = 0;
  for (const sample of samples) {
    pixels += sample.pixels.length / channels;
    for (let i = 0; i < sample.pixels.length; i++) {
      const value = sample.pixels[i] / 255;
      sum[i % channels] += value;
      squares[i % channels] += value * value;
    }
  }
  const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;
  const mean = Array.from(sum, total => total / pixels);
  const std = Array.from(squares, (total, c) => Math.sqrt(Math.max(0, total / pixels - mean[c] ** 2)));
  // A constant channel has no spread to divide by.
  return { mean: mean.map(rounded), std: std.map(value => rounded(value) || 1) };
}
