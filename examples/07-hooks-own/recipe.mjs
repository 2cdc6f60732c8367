// Hooks of one's own: functions that replicas put on layers. What they return is reported, added up over the replicas.
import { defineRecipe } from 'gradring/recipe';

export default defineRecipe({
  name: 'hooked',

  model(tf, { imageShape, classes }) {
    return tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: imageShape }),
        tf.layers.dense({ name: 'hidden', units: 32, activation: 'relu' }),
        tf.layers.dense({ name: 'scores', units: classes.length }),
      ],
    });
  },

  hooks: {
    /** How often each unit is active: counts, since sums can be added up and shares cannot. */
    active: (tf, value) => ({
      counts: tf.sum(tf.cast(tf.greater(value, 0), 'float32'), 0),
      samples: value.shape[0],
    }),

    /** Switches one unit off: a tensor called `output` takes the place of the layer's value. */
    switchOff: (tf, value, { options: { unit } }) => {
      const others = tf.sub(1, tf.oneHot(unit, value.shape[1]));
      return { output: tf.mul(value, others) };
    },
  },
});
