/**
 * Draws the pictures of docs/plots.md into docs/images/, by a short training on the sample. Run it after a change of
 * src/plot/, and look at them:
 *
 *     npm run build && node scripts/make-plot-images.mjs
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  Accuracy,
  adamW,
  BatchSchedCB,
  BatchTransformCB,
  ConfusionMatrix,
  Coordinator,
  chooseDevices,
  DataLoaders,
  horizontalFlip,
  Learner,
  MetricsCB,
  models,
  normalize,
  OneCycleLR,
  openData,
  ProgressCB,
  RecorderCB,
  randErase,
  randomCrop,
  savePlot,
  showImages,
  TrainCB,
} from '../dist/index.js';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const themes = ['light', 'dark'];
const statistics = { mean: 0.28, std: 0.35 };

/** The page shows the pictures; the data beside them would only make the package larger. */
async function save(name, chart, size = {}) {
  for (const theme of themes) {
    const { data } = await savePlot(chart, `${folder}${name}-${theme}.svg`, { theme, ...size });
    rmSync(data);
  }
}

const data = await openData('sample');
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.conv64,
  imageShape: data.train.imageShape,
  classes: data.train.classes,
});
const dls = DataLoaders.from(data, { batchSize: 256 });
const recorder = new RecorderCB({ lr: cb => cb.pg.lr, mom: cb => cb.pg.betas[0] });
const confusion = new ConfusionMatrix(data.valid.classes);
const learn = new Learner(coordinator, dls, {
  optFunc: adamW(),
  cbs: [
    new TrainCB(),
    new BatchTransformCB(normalize(statistics)),
    new MetricsCB(new Accuracy(), { confusion }),
    new ProgressCB({ stream: process.stderr, plot: true }),
  ],
});

try {
  const samples = await Promise.all(Array.from({ length: 12 }, (_, row) => data.train.get(row)));
  const images = samples.map(({ pixels }) => ({ data: pixels, shape: data.train.imageShape }));
  const titles = samples.map(({ label }) => data.train.classes[label]);
  const augment = new BatchTransformCB([randomCrop({ padding: 4 }), horizontalFlip(), randErase()]);
  for (const theme of themes) {
    await showImages(images, { cols: 6, titles, theme }).save(`${folder}images-${theme}.png`);
    const file = `${folder}image-batch-${theme}.png`;
    await learn.showImageBatch({ max: 6, rows: 1, cbs: [augment], theme, file });
  }

  const { chart } = await learn.lrFind();
  await save('lr-find', chart);

  const epochs = 5;
  const sched = new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.02, totalSteps }));
  await learn.fit(epochs, { cbs: [sched, recorder] });
  await save('one-cycle', await recorder.plot(), { width: 900, height: 300 });
  await save('loss', await recorder.plotLoss());
  await save('confusion', confusion.chart({ normalize: 'true' }), { width: 760, height: 520 });
} finally {
  await Promise.all([coordinator.close(), dls.close()]);
}
