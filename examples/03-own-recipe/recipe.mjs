// What is one's own in a run: every replica imports this module and calls its functions with its own `tf`.
import { defineRecipe } from 'gradring/recipe';

export default defineRecipe({
  name: 'shapes',

  model(tf, { imageShape, classes, options: { filters = 8 } }) {
    const conv = { kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' };
    return tf.sequential({
      layers: [
        tf.layers.conv2d({ ...conv, filters, inputShape: imageShape }),
        tf.layers.conv2d({ ...conv, filters: 2 * filters }),
        tf.layers.flatten(),
        tf.layers.dropout({ rate: 0.1 }),
        tf.layers.dense({ units: classes.length, kernelRegularizer: tf.regularizers.l2({ l2: 1e-4 }) }),
      ],
    });
  },

  /** Cross-entropy against labels smoothed by 0.1: the mean over the samples. */
  loss(tf, logits, targets) {
    const classes = logits.shape[1];
    const smooth = tf.add(tf.mul(tf.oneHot(targets, classes), 0.9), 0.1 / classes);
    return tf.mean(tf.neg(tf.sum(tf.mul(smooth, tf.logSoftmax(logits)), 1)));
  },

  metrics: {
    /** Probability given to the right class: the sum over the samples. */
    confidence(tf, logits, targets) {
      return tf.sum(tf.mul(tf.softmax(logits), tf.oneHot(targets, logits.shape[1])));
    },
  },

  transforms: {
    /** Multiplies the batch by one number drawn from 1 − amount … 1 + amount. */
    brightness(tf, images, { amount }, random) {
      return tf.mul(images, 1 + amount * (2 * random.float() - 1));
    },
  },
});
