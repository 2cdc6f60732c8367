/**
 * Layers from their definitions, in float64 and plain loops: what finite differences are taken of. Images are NHWC,
 * filters HWIO, as flat arrays; every layer shares the geometry of its windows.
 */

type Pair = readonly [number, number];
type Values = ArrayLike<number>;

/** How windows lie on the images. */
export interface Windows {
  readonly batch: number;
  /** Height and width of the images. */
  readonly size: Pair;
  readonly window: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly pad: 'same' | 'valid';
}

/** [height, width] of the output, and the zeros before the first row and column. */
export function geometry({ size, window, stride, dilation, pad }: Windows): { out: Pair; before: Pair } {
  const along = (axis: 0 | 1): [out: number, before: number] => {
    const reach = (window[axis] - 1) * dilation[axis] + 1;
    if (pad === 'valid') return [Math.floor((size[axis] - reach) / stride[axis]) + 1, 0];
    const out = Math.ceil(size[axis] / stride[axis]);
    return [out, Math.max(0, (out - 1) * stride[axis] + reach - size[axis]) >> 1];
  };
  const [[height, top], [width, left]] = [along(0), along(1)];
  return { out: [height, width], before: [top, left] };
}

/** Calls `visit` for each place of a window that lies on the image: its pixel, and its place in the window. */
function eachPlace(
  { batch, size, window, stride, dilation, ...rest }: Windows,
  visit: (output: number, pixel: number, place: number) => void,
): void {
  const { out, before } = geometry({ batch, size, window, stride, dilation, ...rest });
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < out[0]; i++)
      for (let j = 0; j < out[1]; j++)
        for (let a = 0; a < window[0]; a++)
          for (let b = 0; b < window[1]; b++) {
            const row = i * stride[0] + a * dilation[0] - before[0];
            const column = j * stride[1] + b * dilation[1] - before[1];
            if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
            const output = (n * out[0] + i) * out[1] + j;
            visit(output, (n * size[0] + row) * size[1] + column, a * window[1] + b);
          }
}

const outputs = (windows: Windows): number => {
  const { out } = geometry(windows);
  return windows.batch * out[0] * out[1];
};

export function conv2d(windows: Windows, [inputs, filters]: Pair, x: Values, filter: Values): Float64Array {
  const y = new Float64Array(outputs(windows) * filters);
  eachPlace(windows, (output, pixel, place) => {
    for (let c = 0; c < inputs; c++)
      for (let k = 0; k < filters; k++)
        y[output * filters + k] += x[pixel * inputs + c] * filter[(place * inputs + c) * filters + k];
  });
  return y;
}

/** Every channel with `multiplier` filters of its own. */
export function depthwiseConv2d(
  windows: Windows,
  [channels, multiplier]: Pair,
  x: Values,
  filter: Values,
): Float64Array {
  const y = new Float64Array(outputs(windows) * channels * multiplier);
  eachPlace(windows, (output, pixel, place) => {
    for (let k = 0; k < channels * multiplier; k++)
      y[output * channels * multiplier + k] +=
        x[pixel * channels + Math.floor(k / multiplier)] * filter[place * channels * multiplier + k];
  });
  return y;
}

export function maxPool(windows: Windows, channels: number, x: Values): Float64Array {
  const y = new Float64Array(outputs(windows) * channels).fill(Number.NEGATIVE_INFINITY);
  eachPlace(windows, (output, pixel) => {
    for (let c = 0; c < channels; c++)
      y[output * channels + c] = Math.max(y[output * channels + c], x[pixel * channels + c]);
  });
  return y;
}

/** Averages the pixels that a window has; those beyond the border do not count. */
export function averagePool(windows: Windows, channels: number, x: Values): Float64Array {
  const y = new Float64Array(outputs(windows) * channels);
  const pixels = new Float64Array(outputs(windows));
  eachPlace(windows, (output, pixel) => {
    pixels[output]++;
    for (let c = 0; c < channels; c++) y[output * channels + c] += x[pixel * channels + c];
  });
  return y.map((sum, i) => sum / pixels[Math.floor(i / channels)]);
}

/** x [rows, inputs] · kernel [inputs, units] + bias. */
export function dense([inputs, units]: Pair, x: Values, kernel: Values, bias: Values): Float64Array {
  return Float64Array.from({ length: (x.length / inputs) * units }, (_, i) => {
    const [row, unit] = [Math.floor(i / units), i % units];
    let sum = bias[unit];
    for (let c = 0; c < inputs; c++) sum += x[row * inputs + c] * kernel[c * units + unit];
    return sum;
  });
}

/** Normalises each column of x [rows, channels] with its own mean and biased variance. */
export function batchNorm([channels, epsilon]: Pair, x: Values, gamma: Values, beta: Values): Float64Array {
  const rows = x.length / channels;
  const y = new Float64Array(x.length);
  for (let c = 0; c < channels; c++) {
    const column = Float64Array.from({ length: rows }, (_, row) => x[row * channels + c]);
    const mean = column.reduce((a, b) => a + b) / rows;
    const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / rows;
    for (let row = 0; row < rows; row++)
      y[row * channels + c] = ((column[row] - mean) / Math.sqrt(variance + epsilon)) * gamma[c] + beta[c];
  }
  return y;
}
