/** What layers of tfjs can ask for beside their arithmetic: regularisers, constraints, being frozen. */
import t from 'tap';
import { normalize } from '../../src/nn/transform-specs.js';
import { threadUrl } from '../../src/thread-url.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSettings, sgdSpec, weightsOf } from '../fixtures/coordinators.js';
import type { LayerOptions } from '../fixtures/layer-recipe.js';

const kernelSize = 36 * 3;

/** The first layer's kernel before and after one step of SGD on three uneven shards. */
async function step(
  options: LayerOptions,
  lr: number,
): Promise<{ before: Float32Array; after: Float32Array }> {
  const url = threadUrl('../fixtures/layer-recipe', import.meta.url).href;
  const coordinator = makeCoordinator(3, { recipe: { url, options: { ...options } }, verify: 'step' });
  try {
    await coordinator.open();
    await coordinator.setOptimizer(sgdSpec(coordinator));
    const kernel = async () => {
      const { weightSpecs } = await coordinator.model();
      let offset = 0;
      for (const { shape } of weightSpecs) {
        if (shape[0] === 36) break;
        offset += shape.reduce((a, b) => a * b, 1);
      }
      return (await weightsOf(coordinator)).slice(offset, offset + kernelSize);
    };
    const before = await kernel();
    const transforms = [normalize({ mean: [0.5], std: [0.3] })];
    await coordinator.trainBatch(batchOf(syntheticRing(7), 7, { transforms }), sgdSettings(lr));
    return { before, after: await kernel() };
  } finally {
    await coordinator.close();
  }
}

t.test('a regulariser counts once, whatever the number of replicas', async t => {
  // Its gradient is 2 · 0.5 · w, and nothing else has one: a rate of ¼ leaves ¾ of every weight.
  const { before, after } = await step({ l2: 0.5, weight: 0 }, 0.25);
  const worst = Math.max(...before.map((value, i) => Math.abs(after[i] - 0.75 * value)));
  t.ok(worst < 1e-7, `off by ${worst}`);
});

t.test('a constraint holds after the step', async t => {
  const { after } = await step({ unitNorm: true, weight: 1 }, 0.1);
  for (let unit = 0; unit < 3; unit++) {
    const column = after.filter((_, i) => i % 3 === unit);
    const norm = Math.hypot(...column);
    t.ok(Math.abs(norm - 1) < 1e-5, `unit ${unit} has norm ${norm}`);
  }
});

t.test('a frozen layer keeps every bit', async t => {
  const { before, after } = await step({ frozen: true, weight: 1 }, 0.1);
  t.strictSame(after, before);
});
