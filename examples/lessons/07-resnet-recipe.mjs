// A small ResNet of the building blocks that the ready models are made of. Replicas import this module.
import { conv, generalRelu, globalAvgPool, initWeights, linearHead, resBlock } from 'gradring/layers';
import { defineRecipe } from 'gradring/recipe';

export default defineRecipe({
  name: 'small resnet',

  model(tf, { imageShape, classes, options: { filters = [8, 16, 32, 64] } }) {
    // Batch norm in every block, the lessons' activation, and Kaiming normal weights to suit it.
    const common = { act: generalRelu(0.1, 0.4), norm: true, init: initWeights(0.1) };
    const [stem, ...stages] = filters;
    const input = tf.input({ shape: imageShape });
    let x = conv(tf, input, { ...common, name: 'stem', filters: stem, kernelSize: 5, stride: 1 });
    for (const [i, count] of stages.entries())
      x = resBlock(tf, x, { ...common, name: `block${i + 1}`, filters: count, stride: 2 });
    // The mean over all places: images of any size will do.
    const outputs = linearHead(tf, globalAvgPool(tf, x), { ...common, classes: classes.length });
    return tf.model({ inputs: input, outputs });
  },
});
