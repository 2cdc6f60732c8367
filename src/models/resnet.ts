/**
 * The lessons' ResNets (fast.ai lesson 18, `get_model3` and `get_model4` of course22p2 nb13) with stock layers
 * only, so that what is trained loads in any TensorFlow.js.
 */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import { defineRecipe, type RecipeContext } from '../worker/recipe.js';

export interface ResNetOptions {
  /** 3: the stem is a residual block (1.23 M parameters); 4: a single 5×5 convolution (1.22 M). Default 3. */
  readonly variant?: 3 | 4;
  /** Filters of the stem and of each residual block of stride 2 after it. Default [16, 32, 64, 128, 256]. */
  readonly filters?: readonly number[];
  /** `generalRelu` is the lessons' leaky ReLU (0.1) shifted down by 0.4. Default `relu`. */
  readonly activation?: 'relu' | 'generalRelu';
}

class Builder {
  readonly #tf: Tf;
  readonly #activation: ResNetOptions['activation'];

  constructor(tf: Tf, activation: ResNetOptions['activation'] = 'relu') {
    this.#tf = tf;
    this.#activation = activation;
  }

  activation(x: SymbolicTensor): SymbolicTensor {
    const { layers } = this.#tf;
    if (this.#activation === 'relu') return layers.reLU().apply(x) as SymbolicTensor;
    const leaky = layers.leakyReLU({ alpha: 0.1 }).apply(x);
    return layers.rescaling({ scale: 1, offset: -0.4 }).apply(leaky) as SymbolicTensor;
  }

  /** PyTorch's defaults: its momentum 0.1 is 0.9 here. */
  batchNorm(x: SymbolicTensor): SymbolicTensor {
    return this.#tf.layers.batchNormalization({ momentum: 0.9, epsilon: 1e-5 }).apply(x) as SymbolicTensor;
  }

  convolution(x: SymbolicTensor, filters: number, kernelSize: number, strides = 1): SymbolicTensor {
    const settings = {
      filters,
      kernelSize,
      strides,
      padding: 'same',
      kernelInitializer: 'heNormal',
    } as const;
    return this.#tf.layers.conv2d(settings).apply(x) as SymbolicTensor;
  }

  block(x: SymbolicTensor, filters: number, kernelSize = 3, stride = 1): SymbolicTensor {
    const first = this.activation(this.batchNorm(this.convolution(x, filters, kernelSize)));
    const second = this.batchNorm(this.convolution(first, filters, kernelSize, stride));
    let shortcut = x;
    if (stride !== 1) {
      const pool = this.#tf.layers.averagePooling2d({ poolSize: 2, strides: 2, padding: 'same' });
      shortcut = pool.apply(shortcut) as SymbolicTensor;
    }
    if (x.shape[3] !== filters) shortcut = this.convolution(shortcut, filters, 1);
    return this.activation(this.#tf.layers.add().apply([second, shortcut]) as SymbolicTensor);
  }
}

function build(tf: Tf, { imageShape, classes, options }: RecipeContext<ResNetOptions>) {
  const { variant = 3, filters = [16, 32, 64, 128, 256], activation } = options;
  const [stem, ...stages] = filters;
  const builder = new Builder(tf, activation);
  const input = tf.input({ shape: [...imageShape] });
  let x =
    variant === 3
      ? builder.block(input, stem, 5)
      : builder.activation(builder.batchNorm(builder.convolution(input, stem, 5)));
  for (const count of stages) x = builder.block(x, count, 3, 2);
  x = tf.layers.globalAveragePooling2d({}).apply(x) as SymbolicTensor;
  x = tf.layers.dense({ units: classes.length, useBias: false }).apply(x) as SymbolicTensor;
  return tf.model({ inputs: input, outputs: builder.batchNorm(x), name: `resnet${variant}` });
}

export default defineRecipe<ResNetOptions>({ name: 'resnet', model: build });
