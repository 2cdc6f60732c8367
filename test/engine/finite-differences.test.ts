/**
 * Layers in training, on every engine of this machine: outputs and gradients against the layers' definitions in float64
 * and central differences of them. Nothing of TensorFlow.js is on the reference's side.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import t from 'tap';
import { engineFactories, openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { installFusedLayers } from '../../src/nn/fused-layers.js';
import { Purpose, Random } from '../../src/random.js';
import { difference } from './backends.js';
import * as reference from './reference-layers.js';

type Values = ArrayLike<number>;

interface Input {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Case {
  readonly name: string;
  readonly x: Input;
  readonly weights: readonly Input[];
  /** The stock layer, for inputs of this shape. */
  readonly build: (options: { inputShape: number[] }) => layers.Layer;
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
    build: options => tf.layers.conv2d({ ...options, ...settings, padding: pad } as never),
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
    build: options => tf.layers.depthwiseConv2d({ ...options, ...settings, padding: pad } as never),
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
    build: options => tf.layers[kind]({ ...options, ...settings } as never),
    definition: x => define(windows, channels, x),
  };
}

function dense(): Case {
  const [rows, inputs, units] = [pick(1, 2, 7), pick(1, 3, 9), pick(1, 4, 5)];
  return {
    name: `dense ${inputs} → ${units}, ${rows} rows`,
    x: noise(rows, inputs),
    weights: [noise(inputs, units), noise(units)],
    build: options => tf.layers.dense({ ...options, units }),
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
    build: options => tf.layers.batchNormalization({ ...options, epsilon }),
    definition: (x, gamma, beta) => reference.batchNorm([channels, epsilon], x, gamma, beta),
  };
}

const kinds = [
  convolution,
  convolution,
  depthwise,
  () => pooling('maxPooling2d'),
  () => pooling('averagePooling2d'),
  dense,
  batchNorm,
  batchNorm,
];
const cases = Array.from({ length: 40 }, (_, i) => kinds[i % kinds.length]());

/** The loss is Σ sin(i) · y[i]: an upstream gradient that differs at every place. */
const upstream = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i));

/** The layer's output, and the loss's gradients for x and each weight. */
function trained({ x, weights, build, outputOnly }: Case): Float32Array[] {
  return tf.tidy(() => {
    const layer = build({ inputShape: x.shape.slice(1) });
    const model = tf.sequential({ layers: [layer] });
    for (const [i, { shape, values }] of weights.entries()) {
      layer.trainableWeights[i].write(tf.tensor(values, [...shape]));
    }
    const input = tf.variable(tf.tensor(x.values, [...x.shape]));
    const forward = (): Tensor => model.apply(input, { training: true }) as Tensor;
    if (outputOnly) return [forward().dataSync() as Float32Array];
    const variables = [input, ...layer.trainableWeights.map(weight => weight.read())] as (typeof input)[];
    let y: Float32Array = new Float32Array();
    const { grads } = tf.variableGrads(() => {
      const output = forward();
      y = output.dataSync() as Float32Array;
      return tf.sum(tf.mul(output, tf.tensor(upstream(output.size), output.shape)));
    }, variables);
    const gradients = variables.map(({ name }) => grads[name].dataSync() as Float32Array);
    model.dispose();
    input.dispose();
    return [y, ...gradients] as never;
  }) as unknown as Float32Array[];
}

/** What `trained` must give, from the definition alone. */
function expected({ x, weights, definition, outputOnly }: Case): Float64Array[] {
  const inputs = [x, ...weights].map(({ values }) => Float64Array.from(values));
  const evaluate = (): Float64Array => definition(inputs[0], ...inputs.slice(1));
  const dy = upstream(evaluate().length);
  const loss = (): number => evaluate().reduce((sum, y, i) => sum + y * dy[i], 0);
  const step = 1e-4;
  const derivative = (values: Float64Array, i: number): number => {
    const [middle, sides] = [values[i], [step, -step]];
    const [up, down] = sides.map(side => {
      values[i] = middle + side;
      return loss();
    });
    values[i] = middle;
    return (up - down) / (2 * step);
  };
  const gradients = inputs.map(values => values.map((_, i) => derivative(values, i)));
  return outputOnly ? [evaluate()] : [evaluate(), ...gradients];
}

installFusedLayers();
const names = ['cpu', 'wasm', 'torch'] as const;
for (const name of names) {
  const { ok, ...availability } = await engineFactories[name].available();
  const skip = !ok && 'reason' in availability && `the ${name} engine cannot be used: ${availability.reason}`;
  t.test(`${name}: 40 random layers`, { skip }, async t => {
    const [device] = await engineFactories[name].devices();
    await openEngine(name, device.isGpu ? 'cpu:0' : device.id);
    for (const example of cases) {
      const reference = expected(example);
      const apart = trained(example).map((values, i) => difference(values, reference[i]));
      const shown = apart.map(value => value.toExponential(1));
      t.ok(
        apart.every(value => value < 1e-4),
        `${example.name}: ${shown}`,
      );
    }
  });
}
