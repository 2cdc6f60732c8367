/** Random layers and a residual block of them, each with its definition in float64. */
import type { LayersModel, layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { tf } from '../../src/engine/tf.js';
import { Purpose, Random } from '../../src/random.js';
import * as reference from './reference-layers.js';

type Values = ArrayLike<number>;

export interface Input {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface Case {
  readonly name: string;
  readonly x: Input;
  readonly weights: readonly Input[];
  /** Stock layers for inputs of this shape. */
  readonly build: (inputShape: number[]) => LayersModel;
  readonly definition: (x: Values, ...weights: Values[]) => Float64Array;
  /** TensorFlow.js has no gradient of it: dilated convolutions. */
  readonly outputOnly?: boolean;
}

const random = new Random({ seed: 21, purpose: Purpose.split });
const pick = <T>(...items: readonly T[]): T => items[random.below(items.length)];
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

const noise = (...shape: number[]): Input => ({
  shape,
  values: Float32Array.from({ length: sizeOf(shape) }, () => random.float() * 2 - 1),
});

/** All further apart than a difference's step, so that no maximum changes its place. */
function distinct(...shape: number[]): Input {
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i / sizeOf(shape) - 0.5);
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return { shape, values };
}

/** @param kind layers differ in what TensorFlow.js allows: dilation only in convolutions, there without strides */
function randomWindows(kind: 'conv' | 'depthwise' | 'pool'): reference.Windows {
  for (;;) {
    const dilated = kind === 'conv' && random.below(4) === 0;
    const step = pick(1, 2, 3);
    const windows: reference.Windows = {
      batch: pick(1, 2, 3),
      size: [4 + random.below(5), 4 + random.below(4)],
      window: [pick(1, 2, 3, 5), pick(1, 2, 3)],
      stride: dilated ? [1, 1] : kind === 'depthwise' ? [step, step] : [step, pick(1, 2)],
      dilation: dilated ? [pick(1, 2), 2] : [1, 1],
      pad: pick('same', 'valid'),
    };
    const { out } = reference.geometry(windows);
    // The wasm backend computes zeros for windows smaller than their stride, and refuses them.
    const covers = windows.window.every((length, axis) => length >= windows.stride[axis]);
    if (covers && out.every(length => length > 0)) return windows;
  }
}

type Options = { readonly inputShape: number[] };

const alone =
  (make: (options: Options) => layers.Layer) =>
  (inputShape: number[]): LayersModel =>
    tf.sequential({ layers: [make({ inputShape })] });

const describe = ({ batch, size, window, stride, dilation, pad }: reference.Windows): string =>
  `${batch} × [${size}], window [${window}], stride [${stride}], dilation [${dilation}], ${pad}`;

function convolution(): Case {
  const windows = randomWindows('conv');
  const [inputs, filters] = [pick(1, 2, 3, 4), pick(1, 2, 5)];
  const { batch, size, window, stride, dilation, pad } = windows;
  const settings = { filters, kernelSize: [...window], strides: [...stride], dilationRate: [...dilation] };
  return {
    name: `conv ${inputs} → ${filters}, ${describe(windows)}`,
    x: noise(batch, ...size, inputs),
    weights: [noise(...window, inputs, filters), noise(filters)],
    build: alone(options => tf.layers.conv2d({ ...options, ...settings, padding: pad } as never)),
    definition: (x, filter, bias) =>
      reference.conv2d(windows, [inputs, filters], x, filter).map((y, i) => y + bias[i % filters]),
    outputOnly: dilation.some(step => step > 1),
  };
}

function depthwise(): Case {
  const windows = randomWindows('depthwise');
  const [channels, depthMultiplier] = [pick(1, 2, 3), pick(1, 2)];
  const { batch, size, window, stride, pad } = windows;
  const settings = { depthMultiplier, kernelSize: [...window], strides: [...stride], useBias: false };
  return {
    name: `depthwise ${channels} × ${depthMultiplier}, ${describe(windows)}`,
    x: noise(batch, ...size, channels),
    weights: [noise(...window, channels, depthMultiplier)],
    build: alone(options => tf.layers.depthwiseConv2d({ ...options, ...settings, padding: pad } as never)),
    definition: (x, filter) => reference.depthwiseConv2d(windows, [channels, depthMultiplier], x, filter),
  };
}

function pooling(kind: 'maxPooling2d' | 'averagePooling2d'): Case {
  const windows = randomWindows('pool');
  const channels = pick(1, 2, 3);
  const { batch, size, window, stride, pad } = windows;
  const settings = { poolSize: [...window], strides: [...stride], padding: pad };
  const define = kind === 'maxPooling2d' ? reference.maxPool : reference.averagePool;
  return {
    name: `${kind} on ${channels}, ${describe(windows)}`,
    x: distinct(batch, ...size, channels),
    weights: [],
    build: alone(options => tf.layers[kind]({ ...options, ...settings } as never)),
    definition: x => define(windows, channels, x),
  };
}

function dense(): Case {
  const [rows, inputs, units] = [pick(1, 2, 7), pick(1, 3, 9), pick(1, 4, 5)];
  return {
    name: `dense ${inputs} → ${units}, ${rows} rows`,
    x: noise(rows, inputs),
    weights: [noise(inputs, units), noise(units)],
    build: alone(options => tf.layers.dense({ ...options, units })),
    definition: (x, kernel, bias) => reference.dense([inputs, units], x, kernel, bias),
  };
}

function batchNorm(): Case {
  const channels = pick(1, 3, 4, 17);
  const epsilon = pick(1e-3, 1e-5);
  const shape = [pick(3, 8), ...pick<number[]>([], [3, 5]), channels];
  return {
    name: `batch norm of [${shape}], epsilon ${epsilon}`,
    x: noise(...shape),
    weights: [noise(channels), noise(channels)],
    build: alone(options => tf.layers.batchNormalization({ ...options, epsilon })),
    definition: (x, gamma, beta) => reference.batchNorm([channels, epsilon], x, gamma, beta),
  };
}

const relu = (values: Float64Array): Float64Array => values.map(value => Math.max(0, value));

/** A residual block as the ResNet has them: what engines that join layers make one program of. */
function block(): Case {
  const [batch, inputs, filters, side, stride] = [2, pick(1, 3, 16), pick(2, 16, 32), pick(5, 6), pick(1, 2)];
  const windows = (size: number, step: number, from: number): reference.Windows => ({
    batch,
    size: [from, from],
    window: [size, size],
    stride: [step, step],
    dilation: [1, 1],
    pad: 'same',
  });
  const epsilon = 1e-3;
  const half = Math.ceil(side / stride);
  const convolve = (at: reference.Windows, from: number, x: Values, filter: Values, bias: Values) =>
    reference.conv2d(at, [from, filters], x, filter).map((y, i) => y + bias[i % filters]);
  const normalise = (x: Values, gamma: Values, beta: Values) =>
    reference.batchNorm([filters, epsilon], x, gamma, beta);
  const weightsOf = (size: number, from: number) => [noise(size, size, from, filters), noise(filters)];
  const norm = () => [noise(filters), noise(filters)];
  return {
    name: `residual block ${inputs} → ${filters}, ${batch} × [${side},${side}], stride ${stride}`,
    x: noise(batch, side, side, inputs),
    weights: [
      ...weightsOf(3, inputs),
      ...norm(),
      ...weightsOf(3, filters),
      ...norm(),
      ...weightsOf(1, inputs),
    ],
    build: inputShape => residualBlock(inputShape, { filters, stride, epsilon }),
    definition: (x, k1, b1, gamma1, beta1, k2, b2, gamma2, beta2, k3, b3) => {
      const first = relu(normalise(convolve(windows(3, 1, side), inputs, x, k1, b1), gamma1, beta1));
      const second = normalise(convolve(windows(3, stride, side), filters, first, k2, b2), gamma2, beta2);
      const pooled = stride === 1 ? x : reference.averagePool(windows(2, 2, side), inputs, x);
      const shortcut = convolve(windows(1, 1, half), inputs, pooled, k3, b3);
      return relu(second.map((value, i) => value + shortcut[i]));
    },
  };
}

function residualBlock(
  inputShape: number[],
  { filters, stride, epsilon }: { filters: number; stride: number; epsilon: number },
): LayersModel {
  const conv = (x: SymbolicTensor, kernelSize: number, strides: number) =>
    tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same' }).apply(x) as SymbolicTensor;
  const norm = (x: SymbolicTensor) => tf.layers.batchNormalization({ epsilon }).apply(x) as SymbolicTensor;
  const relu = (x: SymbolicTensor) => tf.layers.reLU().apply(x) as SymbolicTensor;
  const input = tf.input({ shape: inputShape });
  const second = norm(conv(relu(norm(conv(input, 3, 1))), 3, stride));
  const pool = tf.layers.averagePooling2d({ poolSize: 2, strides: 2, padding: 'same' });
  const shortcut = conv(stride === 1 ? input : (pool.apply(input) as SymbolicTensor), 1, 1);
  const sum = tf.layers.add().apply([second, shortcut]) as SymbolicTensor;
  return tf.model({ inputs: input, outputs: relu(sum) });
}

const kinds = [
  convolution,
  block,
  depthwise,
  () => pooling('maxPooling2d'),
  convolution,
  () => pooling('averagePooling2d'),
  dense,
  batchNorm,
];

/** Always the same ones. */
export const randomCases = (count: number): Case[] =>
  Array.from({ length: count }, (_, i) => kinds[i % kinds.length]());
