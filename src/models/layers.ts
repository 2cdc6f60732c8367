/**
 * Building blocks of convolutional models, for recipes: `import { conv, resBlock } from 'gradring/layers'`. Each takes
 * the recipe's `tf` and a tensor of a model in the making, and makes stock layers only: what is built of them loads in
 * any TensorFlow.js. Names of layers carry their block (`block2/conv1`), by which `learn.summary()` groups them.
 */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import { initializersFor, type WeightInit } from './initializers.js';

export { type ImageScale, unitPixels } from '../nn/image-scale.js';
export { initWeights, type KaimingInit, type WeightInit } from './initializers.js';

/** See `generalRelu`. */
export interface GeneralRelu {
  readonly leak?: number;
  readonly sub?: number;
  readonly maxv?: number;
}

/** The lessons' activation: ReLU with a slope of `leak` below 0, then less `sub`, then at most `maxv`. */
export const generalRelu = (leak?: number, sub?: number, maxv?: number): GeneralRelu => ({ leak, sub, maxv });

/** `true` is a plain ReLU, `false` none. */
export type Activation = boolean | GeneralRelu;

export interface NormOptions {
  /** Batch norm after the convolution, with PyTorch's momentum and epsilon. Default false. */
  readonly norm?: boolean;
}

export interface BlockOptions extends NormOptions {
  /** Of the block; its layers are called `name/conv` and so on. */
  readonly name: string;
  readonly filters: number;
  /** Default 3. */
  readonly kernelSize?: number;
  /** Default true. */
  readonly act?: Activation;
  /** Default `pytorch`. */
  readonly init?: WeightInit;
}

export interface ConvOptions extends BlockOptions {
  /** Default 2. */
  readonly stride?: number;
  /** Default true: as in the lessons, also before a batch norm. */
  readonly bias?: boolean;
}

export interface ResBlockOptions extends BlockOptions {
  /** 1 or 2. Default 1. */
  readonly stride?: 1 | 2;
}

type Layer = LayersModel['layers'][number];

const put = (layer: Layer, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor =>
  layer.apply(x) as SymbolicTensor;

/** @param name of the layer whose output is that of the activation; those before it are called `name_1` and so on */
export function activation(tf: Tf, x: SymbolicTensor, act: Activation, name: string): SymbolicTensor {
  if (act === false) return x;
  const { layers } = tf;
  const { leak, sub, maxv } = act === true ? ({} as GeneralRelu) : act;
  if (!leak && !sub) return put(layers.reLU({ maxValue: maxv, name }), x);
  const rescaling = (scale: number, offset: number) => (name: string) =>
    layers.rescaling({ scale, offset, name });
  const relu = (name: string) => layers.reLU({ name });
  const steps: ((name: string) => Layer)[] = [
    leak ? name => layers.leakyReLU({ alpha: leak, name }) : relu,
    ...(sub ? [rescaling(1, -sub)] : []),
    // min(y, m) = m − max(m − y, 0): a ReLU with a ceiling would also cut off below 0.
    ...(maxv === undefined ? [] : [rescaling(-1, maxv), relu, rescaling(-1, maxv)]),
  ];
  const nameOf = (step: number) => (step === steps.length ? name : `${name}_${step}`);
  return steps.reduce((y, step, i) => put(step(nameOf(i + 1)), y), x);
}

/** Batch norm over the last axis. PyTorch's momentum of 0.1 is 0.9 here. */
export const batchNorm = (tf: Tf, x: SymbolicTensor, name: string): SymbolicTensor =>
  put(tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5, name }), x);

interface PlainConv {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly useBias: boolean;
  readonly init: WeightInit;
}

function plainConv(tf: Tf, x: SymbolicTensor, { init, ...options }: PlainConv): SymbolicTensor {
  const fanIn = options.kernelSize ** 2 * x.shape[3]!;
  const initializers = initializersFor(tf, 'convolution', fanIn, init);
  return put(tf.layers.conv2d({ ...options, padding: 'same', ...initializers }), x);
}

/**
 * Convolution → batch norm → activation. [height, width, c] → [⌈height / stride⌉, ⌈width / stride⌉, filters]; the
 * padding is that of TensorFlow (`same`): at stride 2 on even sizes one pixel right and below, none left and above.
 */
export function conv(tf: Tf, x: SymbolicTensor, options: ConvOptions): SymbolicTensor {
  const { name, filters, kernelSize = 3, stride = 2, act = true, norm = false } = options;
  const { bias: useBias = true, init = 'pytorch' } = options;
  let y = plainConv(tf, x, { name: `${name}/conv`, filters, kernelSize, strides: stride, useBias, init });
  if (norm) y = batchNorm(tf, y, `${name}/norm`);
  return activation(tf, y, act, `${name}/act`);
}

/** Doubles both sides, each pixel repeated, then a convolution of stride 1 and what follows it. */
export function deconv(tf: Tf, x: SymbolicTensor, options: BlockOptions): SymbolicTensor {
  const larger = put(tf.layers.upSampling2d({ size: [2, 2], name: `${options.name}/upsample` }), x);
  return conv(tf, larger, { ...options, stride: 1 });
}

/**
 * Residual block: act(convs(x) + shortcut(x)). The convolutions are one of stride 1 with its activation and one of
 * `stride` without; the shortcut averages 2×2 windows at stride 2, over the pixels there are, and has a 1×1
 * convolution where the number of channels changes.
 */
export function resBlock(tf: Tf, x: SymbolicTensor, options: ResBlockOptions): SymbolicTensor {
  const { name, filters, kernelSize = 3, stride = 1, act = true, norm = false, init = 'pytorch' } = options;
  const part = (input: SymbolicTensor, place: 1 | 2, strides: number) => {
    const convName = `${name}/conv${place}`;
    const y = plainConv(tf, input, { name: convName, filters, kernelSize, strides, useBias: true, init });
    return norm ? batchNorm(tf, y, `${name}/norm${place}`) : y;
  };
  const second = part(activation(tf, part(x, 1, 1), act, `${name}/act1`), 2, stride);
  let shortcut = x;
  if (stride !== 1) {
    const pool = { poolSize: 2, strides: stride, padding: 'same', name: `${name}/pool` } as const;
    shortcut = put(tf.layers.averagePooling2d(pool), shortcut);
  }
  if (x.shape[3] !== filters) {
    const idConv = { name: `${name}/idconv`, filters, kernelSize: 1, strides: 1, useBias: true, init };
    shortcut = plainConv(tf, shortcut, idConv);
  }
  const sum = put(tf.layers.add({ name: `${name}/add` }), [second, shortcut]);
  return activation(tf, sum, act, `${name}/act2`);
}

/** Mean over height and width: [height, width, c] → [c], whatever the size. */
export const globalAvgPool = (tf: Tf, x: SymbolicTensor, name = 'pool'): SymbolicTensor =>
  put(tf.layers.globalAveragePooling2d({ name }), x);

export interface LinearHeadOptions extends NormOptions {
  /** One score each. */
  readonly classes: number;
  /** Default `head`. */
  readonly name?: string;
  readonly init?: WeightInit;
}

/**
 * The lessons' head: flattened, then a dense layer without bias, and with `norm` a batch norm of the scores. Takes
 * [height, width, c] or [c].
 */
export function linearHead(tf: Tf, x: SymbolicTensor, options: LinearHeadOptions): SymbolicTensor {
  const { classes, name = 'head', norm = false, init = 'pytorch' } = options;
  const flat = x.shape.length === 2 ? x : put(tf.layers.flatten({ name: `${name}/flatten` }), x);
  const { kernelInitializer } = initializersFor(tf, 'dense', flat.shape[1]!, init);
  const dense = { units: classes, useBias: false, kernelInitializer, name: `${name}/dense` };
  const scores = put(tf.layers.dense(dense), flat);
  return norm ? batchNorm(tf, scores, `${name}/norm`) : scores;
}
