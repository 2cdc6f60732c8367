// Looking inside: the shape that each layer gives, and how its activations spread while it learns, at a good rate and
// at one that kills layers. Pictures are left in the folder that is given, if any.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ActivationStats,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  HooksCallback,
  Learner,
  models,
  normalize,
  openData,
  SingleBatchCB,
  TrainCB,
} from 'gradring';

const [folder] = process.argv.slice(2);
const pictures = folder ?? mkdtempSync(join(tmpdir(), 'gradring-hooks-'));
const data = await openData('sample');
const { engine, devices } = await chooseDevices('cpu:2', 'auto');

/** One epoch of the small CNN at this rate. Returns the statistics of its convolutions. */
async function epoch(lr) {
  const coordinator = new Coordinator({
    engine,
    devices: devices.map(({ id }) => id),
    recipe: models.cnn,
    imageShape: data.train.imageShape,
    classes: data.train.classes,
  });
  const loaders = DataLoaders.from(data, { batchSize: 100 });
  const cbs = [new TrainCB(), new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 }))];
  const learn = new Learner(coordinator, loaders, { lr, cbs, stopOnNonFinite: false });
  try {
    const shapes = new HooksCallback('shape');
    await learn.fit(1, { valid: false, cbs: [shapes, new SingleBatchCB()] });
    for (const { layer, value } of shapes.hooks) console.log(layer.name.padEnd(52), value.join(' × '));
    assert.deepEqual(shapes.hooks[0].value, [100, 14, 14, 4]);

    const stats = new ActivationStats('Conv2D');
    await learn.fit(1, { valid: false, cbs: [stats] });
    return stats;
  } finally {
    await Promise.all([coordinator.close(), loaders.close()]);
  }
}

/** Of the fourth convolution, the share of activations near zero in the last batch. */
const dead = stats => stats.deadChart()[3].share.at(-1);

const good = await epoch(0.1);
console.log(`${(await good.save(pictures)).length} pictures${folder ? ` in ${folder}` : ''}`);
assert.equal(readdirSync(pictures).length, 6, 'three pictures, and the data of each');
const bad = await epoch(3);
console.log(`near zero in the end: ${dead(good).toFixed(2)} at rate 0.1, ${dead(bad).toFixed(2)} at rate 3`);
assert(dead(good) < 0.9 && dead(bad) > 0.95, 'the bad rate has killed the layer');
if (folder === undefined) rmSync(pictures, { recursive: true });
