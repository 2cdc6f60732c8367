/** Layers of the torch engine and their gradients against the cpu backend. */
import { test } from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { difference, on } from './backends.js';
import { randomLayer } from './fixtures/random-layers.js';

const skip = isAddonBuilt() ? false : 'the addon of the torch engine is not built: npm run build:native';
if (!skip) await openEngine('torch', 'cpu:0');

const SEED = 20;

test('200 random layers equal the cpu backend to 1e-4, their gradients too', { skip }, async t => {
  let worst = 0;
  for (let index = 0; index < 200; index++) {
    const { config, run } = randomLayer(SEED, index);
    const where = `layer ${index} of seed ${SEED}, ${JSON.stringify(config)}`;
    const expected = await on('cpu', run);
    const actual = await on('torch', run);
    const apart = expected.map((values, i) => difference(actual[i], values));
    worst = Math.max(worst, ...apart);
    if (!apart.every(value => value < 1e-4)) t.fail(`${where}: off by ${apart} (output, gradients)`);
  }
  t.comment(`worst relative difference ${worst}`);
  t.ok(worst < 1e-4);
});
