/**
 * The lessons' ResNets (fast.ai lesson 18; course22p2 nb13 and nb14), of stock layers only: what is trained loads in
 * any TensorFlow.js.
 */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import { defineRecipe, type RecipeContext } from '../worker/recipe.js';
import { conv, generalRelu, globalAvgPool, linearHead, resBlock, type WeightInit } from './layers.js';

export interface ResNetOptions {
  /** 3: the stem is a residual block (1.23 M parameters); 4: a single convolution (1.22 M). Default 3. */
  readonly variant?: 3 | 4;
  /** Filters of the stem and of each residual block of stride 2 after it. Default [16, 32, 64, 128, 256]. */
  readonly filters?: readonly number[];
  /** Filters of a residual block of stride 1 after those. Default: there is none. */
  readonly lastFilters?: number;
  /** Of the stem. Default 5. */
  readonly kernelSize?: number;
  /** What comes before the dense layer: `pool`, the mean of all positions, takes images of any size. Default `pool`. */
  readonly head?: 'pool' | 'flatten';
  /** `generalRelu` is the lessons' leaky ReLU (0.1) shifted down by 0.4. Default `relu`. */
  readonly activation?: 'relu' | 'generalRelu';
  /** Where weights start. Default `heNormal`; the lessons' is `{ leaky: 0.1 }`. */
  readonly init?: WeightInit;
}

function build(tf: Tf, { imageShape, classes, options }: RecipeContext<ResNetOptions>) {
  const { variant = 3, filters = [16, 32, 64, 128, 256], lastFilters, kernelSize = 5 } = options;
  const { head = 'pool', activation = 'relu', init = 'heNormal' } = options;
  const act = activation === 'relu' ? true : generalRelu(0.1, 0.4);
  const common = { act, norm: true, init };
  const [stem, ...stages] = filters;
  const input = tf.input({ shape: [...imageShape], name: 'images' });
  const first = { ...common, name: 'stem', filters: stem, kernelSize, stride: 1 } as const;
  let x: SymbolicTensor = variant === 3 ? resBlock(tf, input, first) : conv(tf, input, first);
  stages.forEach((count, i) => {
    x = resBlock(tf, x, { ...common, name: `block${i + 1}`, filters: count, stride: 2 });
  });
  if (lastFilters) {
    const name = `block${stages.length + 1}`;
    x = resBlock(tf, x, { ...common, name, filters: lastFilters });
  }
  if (head === 'pool') x = globalAvgPool(tf, x);
  const outputs = linearHead(tf, x, { classes: classes.length, norm: true, init });
  return tf.model({ inputs: input, outputs, name: `resnet${variant}` });
}

export default defineRecipe<ResNetOptions>({ name: 'resnet', model: build });
