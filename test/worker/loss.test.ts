/** The loss as data: which one counts, what is refused, and what it asks of the model. */
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { models } from '../../src/models/catalog.js';
import { loadRecipe } from '../../src/worker/load-recipe.js';
import { resolveLoss } from '../../src/worker/loss.js';
import { classes, imageShape } from '../fixtures/batches.js';
import '../engine/backends.js';

t.beforeEach(() => tf.setBackend('cpu'));

t.test("the given loss counts before the recipe's, and cross-entropy without either", async t => {
  const own = () => tf.scalar(3);
  const names = [
    resolveLoss(undefined, undefined, 'x'),
    resolveLoss('mse', undefined, 'x'),
    resolveLoss(own, undefined, 'x'),
    resolveLoss(own, { name: 'mse' }, 'x'),
    resolveLoss('mse', { name: 'crossEntropy', labelSmoothing: 1 }, 'x'),
  ].map(({ name }) => name);
  t.same(names, ['crossEntropy', 'mse', 'own', 'mse', 'crossEntropy']);
});

t.test('they compute what they are called', async t => {
  const logits = tf.tensor2d([[2, 0, 0, 1]]);
  const label = tf.tensor1d([0], 'int32') as Tensor1D;
  const images = tf.zeros([1, 2, 2, 1]) as Tensor4D;
  const value = (loss: Parameters<typeof resolveLoss>[0]) =>
    resolveLoss(loss, undefined, 'x').compute(tf, logits, label, images, {}).dataSync()[0];
  const logSum = Math.log(Math.exp(2) + 2 + Math.E);
  t.ok(Math.abs(value('crossEntropy') - (logSum - 2)) < 1e-6);
  const smooth = value({ name: 'crossEntropy', labelSmoothing: 0.4 });
  t.ok(Math.abs(smooth - (logSum - (0.7 * 2 + 0.1 * 1))) < 1e-6, `${smooth}`);
  const squares = resolveLoss('mse', undefined, 'x');
  const output = tf.fill([1, 2, 2, 1], 3);
  t.equal(squares.compute(tf, output, label, images, {}).dataSync()[0], 9);
});

t.test('what is none is refused, saying whose it is', async t => {
  for (const loss of ['hinge', null, 7, { name: 'hinge' }, {}, []]) {
    t.throws(() => resolveLoss(loss as never, undefined, 'file:///r.mjs'), {
      code: 'E_RECIPE',
      message: `the recipe's loss is ${JSON.stringify(loss)}`,
      where: 'file:///r.mjs',
    });
  }
  t.throws(() => resolveLoss('mse', 'hinge' as never, 'x'), { message: 'the given loss is "hinge"' });
  for (const labelSmoothing of [-0.1, 1.1, Number.NaN, 'much'])
    t.throws(() => resolveLoss({ name: 'crossEntropy', labelSmoothing } as never, undefined, 'x'), {
      code: 'E_RECIPE',
      hint: 'labelSmoothing is a number from 0 to 1',
    });
});

t.test("a given loss asks the same of the model as the recipe's own", async t => {
  const context = { imageShape, classes, seed: 1, options: {} };
  await t.rejects(loadRecipe(tf, models.mlp, context, 'mse'), {
    code: 'E_RECIPE',
    message: /'mse' compares it with the images/,
  });
  await t.rejects(loadRecipe(tf, models.autoencoder, context, 'crossEntropy'), {
    message: /cross-entropy over 4 classes needs logits/,
  });
  const { loss } = await loadRecipe(tf, models.autoencoder, context);
  t.equal(loss.name, 'own');
});
