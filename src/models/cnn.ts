/** The lessons' small convolutional network (fast.ai lesson 15): five 3×3 convolutions of stride 2, no batch norm. */
import { defineRecipe } from '../worker/recipe.js';

export interface CnnOptions {
  /** Filters of each convolution but the last, which has one per class. Default [4, 8, 16, 16]. */
  readonly filters?: readonly number[];
}

export default defineRecipe<CnnOptions>({
  name: 'cnn',
  model(tf, { imageShape, classes, options: { filters = [4, 8, 16, 16] } }) {
    const conv = { kernelSize: 3, strides: 2, padding: 'same', kernelInitializer: 'heNormal' } as const;
    const input = tf.input({ shape: [...imageShape] });
    let x = input;
    for (const [index, count] of filters.entries()) {
      const layer = { ...conv, filters: count, activation: 'relu', name: `conv${index + 1}` } as const;
      x = tf.layers.conv2d(layer).apply(x) as typeof input;
    }
    const last = { ...conv, filters: classes.length, name: `conv${filters.length + 1}` };
    x = tf.layers.conv2d(last).apply(x) as typeof input;
    // Smaller images than 28×28 or larger than 32×32 leave more than one position: average them.
    const logits = tf.layers.globalAveragePooling2d({ name: 'pool' }).apply(x) as typeof input;
    return tf.model({ inputs: input, outputs: logits, name: 'cnn' });
  },
});
