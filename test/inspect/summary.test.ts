/** The table of a model: the lessons' figures, true multiply-adds, and nothing moved. */
import t from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { ModelSummary } from '../../src/inspect/summary.js';
import { Learner } from '../../src/learner/learner.js';
import { models } from '../../src/models/catalog.js';
import type { LayerInfo } from '../../src/protocol/model-info.js';
import { describeLayers } from '../../src/worker/describe-model.js';
import { loadRecipe } from '../../src/worker/load-recipe.js';
import { FakeRunner } from '../learner/fake-runner.js';

const { tf } = await openEngine('cpu', 'cpu:0', {
  threads: 1,
  precision: 'fp32',
  tf32: false,
  deterministic: false,
  fuse: true,
  cudaGraph: false,
});
const classes = Array.from({ length: 10 }, (_, i) => `${i}`);

async function layersOf(name: string): Promise<LayerInfo[]> {
  const context = { imageShape: [28, 28, 1] as const, classes, seed: 1, options: models[name].options };
  const { model } = await loadRecipe(tf, models[name], context);
  return describeLayers(model);
}

t.test("the lessons' parameters and MFLOPs", async t => {
  for (const [name, parameters, mflops] of [
    ['get_model2', 4_907_588, 33.0],
    ['get_model3', 1_231_428, 18.3],
    ['get_model4', 1_224_948, 13.3],
  ] as const) {
    const { totals } = new ModelSummary(await layersOf(name));
    t.equal(totals.parameters, parameters);
    t.equal(totals.trainable, parameters);
    t.equal(totals.mflops.toFixed(1), mflops.toFixed(1), name);
  }
});

t.test('rows by block: shapes, what is counted once and what at each position', async t => {
  const { rows } = new ModelSummary(await layersOf('get_model4'));
  t.same(
    rows.map(({ module, input, output }) => [module, input.join('×'), output.join('×')]),
    [
      ['stem', '28×28×1', '28×28×16'],
      ['block1', '28×28×16', '14×14×32'],
      ['block2', '14×14×32', '7×7×64'],
      ['block3', '7×7×64', '4×4×128'],
      ['block4', '4×4×128', '2×2×256'],
      ['pool', '2×2×256', '256'],
      ['head', '256', '10'],
    ],
  );
  const [stem, block1] = rows;
  t.equal(stem.parameters, 400 + 16 + 32);
  t.equal(Math.round(stem.mflops * 1e6), 400 * 784 + 16 + 32);
  t.equal(Math.round(stem.mmacs * 1e6), 400 * 784);
  // The first convolution works on 28×28, which the lessons' figure takes for 14×14.
  const [conv1, conv2, idconv] = [9 * 16 * 32, 9 * 32 * 32, 16 * 32];
  t.equal(Math.round(block1.mflops * 1e6), (conv1 + conv2 + idconv) * 196 + 3 * 32 + 4 * 32);
  t.equal(Math.round(block1.mmacs * 1e6), conv1 * 784 + (conv2 + idconv) * 196);
});

t.test('rows by layer, totals in words, as a Markdown table', async t => {
  const layers = await layersOf('get_model3');
  const summary = new ModelSummary(layers, { by: 'layer' });
  t.equal(summary.rows.length, layers.length - 1, 'all but the input');
  const norm = summary.rows.find(({ module }) => module === 'block1/norm1')!;
  t.same([norm.type, norm.parameters, norm.mmacs], ['BatchNormalization', 64, 0]);
  const lines = `${new ModelSummary(layers)}`.split('\n');
  t.match(lines[0], /^\| module +\| type +\| input +\| output +\| parameters \| MFLOPs \| MMACs \|$/);
  t.ok(
    lines.slice(0, 9).every(line => line.length === lines[0].length),
    'columns line up',
  );
  t.match(lines[10], /1,231,428 parameters, 2,004 moving statistics, 18\.3 MFLOPs/);
});

t.test('learn.summary() opens the runner and asks nothing else of it', async t => {
  const runner = new FakeRunner();
  const learn = new Learner(runner, { train: [], valid: [] } as never);
  const summary = await learn.summary({ by: 'layer' });
  t.ok(runner.opened);
  t.same(runner.calls, []);
  t.same(
    summary.rows.map(({ parameters }) => parameters),
    [40, 10],
  );
  t.equal(summary.totals.parameters, 50);
});
