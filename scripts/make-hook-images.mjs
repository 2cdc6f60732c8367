/**
 * Draws the pictures of docs/hooks.md: one training that goes well and one that collapses, on the bundled sample.
 *
 *     npm run build && node scripts/make-hook-images.mjs [FOLDER]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ActivationStats,
  BatchTransformCB,
  Coordinator,
  colorDimChart,
  DataLoaders,
  deadChart,
  Learner,
  models,
  normalize,
  openData,
  renderSvg,
  statsChart,
  TrainCB,
} from '../dist/index.js';

const [folder = fileURLToPath(new URL('../docs/images/', import.meta.url))] = process.argv.slice(2);
const runs = {
  /** As the lessons end: inputs of mean 0 and spread 1, weights to match, a moderate rate. */
  good: { lr: 0.1, scale: { mean: 0.28, std: 0.35 } },
  /** As they begin: pixels of 0 … 1 and a rate that is too high. */
  bad: { lr: 1, scale: { mean: 0, std: 1 } },
};

const data = await openData('sample');
const { imageShape, classes } = data.train;
mkdirSync(folder, { recursive: true });

for (const [name, { lr, scale }] of Object.entries(runs)) {
  const devices = ['wasm:0', 'wasm:1'];
  const recipe = { ...models.cnn, options: { filters: [8, 16, 32, 64] } };
  const coordinator = new Coordinator({ engine: 'wasm', devices, recipe, imageShape, classes });
  const loaders = DataLoaders.from(data, { batchSize: 64 });
  const stats = new ActivationStats(/^conv[24]$/);
  const learn = new Learner(coordinator, loaders, {
    lr,
    stopOnNonFinite: false,
    cbs: [new TrainCB(), new BatchTransformCB(normalize(scale)), stats],
  });
  try {
    await learn.fit(1, { valid: false });
  } finally {
    await Promise.all([coordinator.close(), loaders.close()]);
  }
  const charts = {
    'color-dim': colorDimChart(stats),
    'dead-chart': deadChart(stats),
    stats: statsChart(stats),
  };
  for (const [kind, chart] of Object.entries(charts)) {
    for (const theme of ['light', 'dark']) {
      const size = kind === 'dead-chart' ? { width: 600, height: 260 } : { width: 960, height: 320 };
      writeFileSync(join(folder, `${kind}-${name}-${theme}.svg`), await renderSvg(chart, { ...size, theme }));
    }
  }
}
