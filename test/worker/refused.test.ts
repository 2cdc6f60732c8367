/** Recipes that would train without learning, or fail later and elsewhere, are refused by name. */
import t from 'tap';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSettings, sgdSpec } from '../fixtures/coordinators.js';

interface Case {
  readonly recipe: string;
  readonly transforms?: string[];
  readonly error: { code?: string; message?: RegExp; cause?: { code: string; message: RegExp } };
}

const cases: Record<string, Case> = {
  'a softmax before cross-entropy': {
    recipe: `model: (tf, { imageShape, classes }) => tf.sequential({ layers: [
      tf.layers.flatten({ inputShape: [...imageShape] }),
      tf.layers.dense({ units: classes.length, activation: 'softmax' }) ] })`,
    error: { code: 'E_RECIPE', message: /ends in a softmax/ },
  },
  'a loss without a gradient': {
    recipe: `model, loss: tf => tf.scalar(1)`,
    error: { cause: { code: 'E_RECIPE', message: /does not depend on any weight/ } },
  },
  'a hook called as a built-in one': {
    recipe: `model, hooks: { stats: () => ({}) }`,
    error: { code: 'E_RECIPE', message: /a hook called 'stats'/ },
  },
  'a metric that is a number': {
    recipe: `model, metrics: { half: () => 0.5 }`,
    error: { cause: { code: 'E_RECIPE', message: /'half' returned number/ } },
  },
  'a transform that returns nothing': {
    recipe: `model, transforms: { mine: () => {} }`,
    transforms: ['mine'],
    error: { cause: { code: 'E_RECIPE', message: /"mine" returned undefined/ } },
  },
  'a transform that loses images': {
    recipe: `model, transforms: { mine: (tf, x) => tf.slice(x, [0], [1]) }`,
    transforms: ['mine'],
    error: { cause: { code: 'E_RECIPE', message: /returned shape \[1,6,6,1\], not \[3,/ } },
  },
};

const model = `const model = (tf, { imageShape, classes }) => tf.sequential({ layers: [
  tf.layers.flatten({ inputShape: [...imageShape] }), tf.layers.dense({ units: classes.length }) ] });`;

for (const [name, { recipe, transforms = [], error }] of Object.entries(cases)) {
  t.test(name, async t => {
    const url = `data:text/javascript,${encodeURIComponent(`${model} export default { ${recipe} };`)}`;
    const coordinator = makeCoordinator(2, { recipe: { url, options: {} } });
    t.teardown(() => coordinator.close());
    const training = async () => {
      await coordinator.open();
      await coordinator.setOptimizer(sgdSpec(coordinator));
      const specs = transforms.map(transform => ({ name: transform }));
      await coordinator.trainBatch(batchOf(syntheticRing(6), 6, { transforms: specs }), sgdSettings(0.1));
    };
    const thrown = await training().then(
      () => undefined,
      reason => reason,
    );
    t.match(thrown, error);
  });
}
