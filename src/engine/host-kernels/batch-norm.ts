/**
 * Batch normalisation over all axes but the last, with batch statistics: Ioffe and Szegedy, "Batch normalization",
 * ICML 2015, algorithm 1 and its gradient. Sums are kept in float64.
 */
import type { HostMemory } from '../host-memory.js';
import type { Kernel } from '../kernel-registration.js';

/** Mean and biased variance of each column. Two passes, so that a large mean does not eat the variance. */
function columnStatistics(x: Float32Array, mean: Float32Array, variance: Float32Array): void {
  const channels = mean.length;
  const rows = x.length / channels;
  const sums = new Float64Array(channels);
  for (let i = 0; i < x.length; ) for (let c = 0; c < channels; c++) sums[c] += x[i++];
  for (let c = 0; c < channels; c++) {
    mean[c] = sums[c] / rows;
    sums[c] = 0;
  }
  for (let i = 0; i < x.length; ) {
    for (let c = 0; c < channels; c++) {
      const deviation = x[i++] - mean[c];
      sums[c] += deviation * deviation;
    }
  }
  for (let c = 0; c < channels; c++) variance[c] = sums[c] / rows;
}

export const batchNormTrain: Kernel<HostMemory> = ({ x, scale, offset }, attrs, memory) => {
  const channels = x.shape[x.shape.length - 1];
  const outputs = [memory.allocate(x.shape), memory.allocate([channels]), memory.allocate([channels])];
  const [y, mean, variance] = outputs.map(output => memory.float32(output));
  const input = memory.float32(x);
  columnStatistics(input, mean, variance);
  const slopes = new Float32Array(channels);
  const intercepts = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    slopes[c] = (scale ? memory.float32(scale)[c] : 1) / Math.sqrt(variance[c] + (attrs.epsilon as number));
    intercepts[c] = offset ? memory.float32(offset)[c] : 0;
  }
  for (let i = 0; i < input.length; ) {
    for (let c = 0; c < channels; c++, i++) y[i] = (input[i] - mean[c]) * slopes[c] + intercepts[c];
  }
  return outputs;
};

export const batchNormTrainGrad: Kernel<HostMemory> = (inputs, attrs, memory) => {
  const { dy, x, scale } = inputs;
  const channels = x.shape[x.shape.length - 1];
  const outputs = [memory.allocate(x.shape), memory.allocate([channels]), memory.allocate([channels])];
  const [dx, dScale, dOffset] = outputs.map(output => memory.float32(output));
  const [upstream, input, mean, variance] = [dy, x, inputs.mean, inputs.variance].map(t => memory.float32(t));
  const rows = input.length / channels;
  const sums = new Float64Array(channels);
  const products = new Float64Array(channels);
  for (let i = 0; i < input.length; ) {
    for (let c = 0; c < channels; c++, i++) {
      sums[c] += upstream[i];
      products[c] += upstream[i] * (input[i] - mean[c]);
    }
  }
  // dx = a·dy + b·(x − mean) + d, with the three coefficients constant within a column.
  const a = new Float32Array(channels);
  const b = new Float32Array(channels);
  const d = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const inverse = 1 / Math.sqrt(variance[c] + (attrs.epsilon as number));
    dScale[c] = products[c] * inverse;
    dOffset[c] = sums[c];
    a[c] = (scale ? memory.float32(scale)[c] : 1) * inverse;
    b[c] = (-a[c] * inverse * inverse * products[c]) / rows;
    d[c] = (-a[c] * sums[c]) / rows;
  }
  for (let i = 0; i < input.length; ) {
    for (let c = 0; c < channels; c++, i++) dx[i] = a[c] * upstream[i] + b[c] * (input[i] - mean[c]) + d[c];
  }
  return outputs;
};
