/** Where weights start, as PyTorch and the lessons have it. Data first, so that it can stand in a recipe's options. */
import type { Tf } from '../engine/tf.js';

export interface KaimingInit {
  /** Slope of the negative side of the activation that follows. */
  readonly leaky: number;
}

/**
 * `pytorch`: uniform within ±1/√fanIn, kernels and biases. A `KaimingInit`: the same, but kernels of convolutions
 * normal with variance 2 / ((1 + leaky²) · fanIn). Any other string: an initializer of TensorFlow.js for the kernels,
 * such as `heNormal`, and zeros for the biases.
 */
export type WeightInit =
  | 'pytorch'
  | KaimingInit
  | 'heNormal'
  | 'heUniform'
  | 'glorotNormal'
  | 'glorotUniform';

/** The lessons' `init_weights`: Kaiming normal on the kernels of convolutions, PyTorch's defaults elsewhere. */
export const initWeights = (leaky = 0): KaimingInit => ({ leaky });

type Initializer = ReturnType<Tf['initializers']['zeros']>;
type Named = Exclude<WeightInit, KaimingInit | 'pytorch'>;

export interface Initializers {
  readonly kernelInitializer: Initializer | Named;
  readonly biasInitializer: Initializer | 'zeros';
}

/** @param fanIn inputs that one output is summed over: kernel height · kernel width · input channels, or inputs */
export function initializersFor(
  tf: Tf,
  kind: 'convolution' | 'dense',
  fanIn: number,
  init: WeightInit,
): Initializers {
  if (typeof init === 'string' && init !== 'pytorch')
    return { kernelInitializer: init, biasInitializer: 'zeros' };
  const bound = 1 / Math.sqrt(fanIn);
  const uniform = tf.initializers.randomUniform({ minval: -bound, maxval: bound });
  if (init === 'pytorch' || kind === 'dense') return { kernelInitializer: uniform, biasInitializer: uniform };
  const stddev = Math.sqrt(2 / ((1 + init.leaky ** 2) * fanIn));
  return { kernelInitializer: tf.initializers.randomNormal({ stddev }), biasInitializer: uniform };
}
