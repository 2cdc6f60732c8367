// Hooks of one's own (recipe.mjs): how often each hidden unit of a trained model is active, and what the model loses
// when one of them is switched off.
import assert from 'node:assert/strict';
import {
  Accuracy,
  adamW,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Hook,
  Learner,
  MetricsCB,
  normalize,
  openData,
  recipeHook,
  TrainCB,
  withHooks,
} from 'gradring';

const data = await openData('sample');
const { imageShape, classes } = data.train;
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: { url: new URL('./recipe.mjs', import.meta.url).href, options: {} },
  imageShape,
  classes,
});
const loaders = DataLoaders.from(data, { batchSize: 100 });
const learn = new Learner(coordinator, loaders, {
  lr: 0.005,
  optFunc: adamW(),
  cbs: [
    new TrainCB(),
    new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })),
    new MetricsCB(new Accuracy()),
  ],
});

try {
  await learn.fit(1);
  const { accuracy } = await learn.validate();

  // `each` is called once a batch with what all replicas reported together.
  const counts = new Float64Array(32);
  let samples = 0;
  const active = await Hook.on(learn, 'hidden', recipeHook('active'), {
    each: (_hook, value) => {
      value.counts.forEach((count, unit) => {
        counts[unit] += count;
      });
      samples += value.samples;
    },
  });
  await learn.validate();
  await active.remove();
  assert.equal(samples, data.valid.length);
  const shares = Array.from(counts, count => count / samples);
  console.log(
    `units are active on ${shares.map(share => `${Math.round(100 * share)}%`).join(' ')} of the images`,
  );

  // The most active one is missed; once the hook is gone, all is as before.
  const unit = shares.indexOf(Math.max(...shares));
  const without = await withHooks(learn, 'hidden', recipeHook('switchOff', { options: { unit } }), () =>
    learn.validate(),
  );
  console.log(`accuracy ${accuracy}; without unit ${unit} ${without.accuracy}`);
  assert(without.accuracy < accuracy);
  assert.equal((await learn.validate()).accuracy, accuracy);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
