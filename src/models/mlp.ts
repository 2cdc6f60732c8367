/** The lessons' first model (fast.ai lesson 14): one hidden layer. */
import { defineRecipe } from '../worker/recipe.js';

export interface MlpOptions {
  /** Units of the hidden layer. Default 50. */
  readonly hidden?: number;
}

export default defineRecipe<MlpOptions>({
  name: 'mlp',
  model(tf, { imageShape, classes, options: { hidden = 50 } }) {
    return tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [...imageShape], name: 'pixels' }),
        tf.layers.dense({ units: hidden, activation: 'relu', kernelInitializer: 'heNormal', name: 'hidden' }),
        tf.layers.dense({ units: classes.length, name: 'logits' }),
      ],
    });
  },
});
