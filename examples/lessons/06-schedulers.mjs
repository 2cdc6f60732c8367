// Lesson 18: optimizers from scratch, held against those of the replicas step by step; then learning rates that change:
// half a cosine, and one cycle, with a recorder that sees what each batch is trained with.
// node examples/lessons/06-schedulers.mjs [FOLDER]: one-cycle.png goes there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  Accuracy,
  adamW,
  BatchSchedCB,
  BatchTransformCB,
  BudgetCB,
  Callback,
  Coordinator,
  CosineAnnealingLR,
  chooseDevices,
  DataLoaders,
  Learner,
  lessonAdam,
  lessonMomentum,
  lessonRmsprop,
  lessonSgd,
  MetricsCB,
  models,
  normalize,
  OneCycleLR,
  openData,
  RecorderCB,
  TrainCB,
  withSnapshot,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';

// --- Four optimizers, for one number: p is the parameter, g its gradient, s what is remembered, t the step from 1 ----

const byHand = {
  sgd: (p, g, _s, _t, lr) => p - lr * g,
  momentum(p, g, s, _t, lr) {
    s.avg = 0.9 * (s.avg ?? 0) + 0.1 * g;
    return p - lr * s.avg;
  },
  rmsprop(p, g, s, _t, lr) {
    s.sqr = s.sqr === undefined ? g ** 2 : 0.99 * s.sqr + 0.01 * g ** 2;
    return p - (lr * g) / (Math.sqrt(s.sqr) + 1e-5);
  },
  adam(p, g, s, t, lr) {
    s.avg = 0.9 * (s.avg ?? 0) + 0.1 * g;
    s.sqr = 0.99 * (s.sqr ?? 0) + 0.01 * g ** 2;
    const [mean, square] = [s.avg / (1 - 0.9 ** t), s.sqr / (1 - 0.99 ** t)];
    return p - (lr * mean) / Math.sqrt(square + 1e-5);
  },
};

/** Does each step by hand too, from the gradients of the whole batch, and keeps the largest difference. */
class ShadowCB extends Callback {
  worst = 0;
  #rule;
  #t = 0;
  #parameters;
  #states;

  constructor(rule) {
    super();
    this.#rule = rule;
  }

  async beforeFit({ runner }) {
    this.#parameters = Float64Array.from((await runner.getState()).parameters);
    this.#states = Array.from(this.#parameters, () => ({}));
  }

  async afterBackward({ runner, opt }) {
    const { gradients } = await runner.getState({ gradients: true });
    const [{ lr }] = opt.paramGroups;
    this.#t++;
    gradients.forEach((g, i) => {
      this.#parameters[i] = this.#rule(this.#parameters[i], g, this.#states[i], this.#t, lr);
    });
  }

  async afterStep({ runner }) {
    (await runner.getState()).parameters.forEach((value, i) => {
      this.worst = Math.max(this.worst, Math.abs(value - this.#parameters[i]));
    });
  }
}

const data = await openData('sample');
const { imageShape, classes } = data.train;
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.mlp,
  imageShape,
  classes,
});
const loaders = DataLoaders.from(data, { batchSize: 100 });
const metrics = new MetricsCB(new Accuracy());
const learn = new Learner(coordinator, loaders, {
  cbs: [new TrainCB(), new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })), metrics],
});

try {
  const fused = {
    sgd: [lessonSgd(), 0.1],
    momentum: [lessonMomentum(), 0.3],
    rmsprop: [lessonRmsprop(), 1e-3],
    adam: [lessonAdam(), 3e-3],
  };
  for (const [name, [optFunc, lr]] of Object.entries(fused)) {
    const shadow = new ShadowCB(byHand[name]);
    learn.optFunc = optFunc;
    // Each begins with the same weights, which it leaves behind.
    await withSnapshot(learn, () =>
      learn.fit(1, { lr, valid: false, cbs: [new BudgetCB({ limitTrainBatches: 5 }), shadow] }),
    );
    console.log(`${name}: five steps by hand and on the replicas differ by ${shadow.worst.toExponential(1)}`);
    assert(shadow.worst > 0 && shadow.worst < 1e-4, `${name}: ${shadow.worst}`);
  }

  // --- A cosine downwards, stepped by hand on an optimizer that no fit is using --------------------------------------
  const opt = adamW()(coordinator.parameters, 0.02);
  const cosine = new CosineAnnealingLR(opt, { tMax: 100 });
  for (let step = 1; step <= 100; step++) {
    cosine.step();
    const expected = (0.02 * (1 + Math.cos((Math.PI * step) / 100))) / 2;
    assert(Math.abs(opt.paramGroups[0].lr - expected) < 1e-12);
  }

  // --- One cycle: the rate up and down, the momentum (for Adam its first beta) the other way round -------------------
  learn.optFunc = adamW();
  const recorder = new RecorderCB({ lr: cb => cb.pg.lr, mom: cb => cb.pg.betas[0] });
  const schedule = new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.02, totalSteps }));
  await learn.fit(1, { cbs: [schedule, recorder] });
  const { lr, mom } = recorder.records;
  const peak = lr.indexOf(Math.max(...lr));
  const file = join(folder, 'one-cycle.png');
  await recorder.plot(file, { width: 900, height: 300 });
  const { accuracy } = metrics.history.at(-1);
  console.log(
    `one cycle: peak in batch ${peak + 1} of ${lr.length}, accuracy ${accuracy.toFixed(3)} (${file})`,
  );
  assert.equal(lr.length, loaders.train.length);
  assert.equal(mom.indexOf(Math.min(...mom)), peak);
  assert(Math.abs(lr[0] - 0.02 / 25) < 1e-9 && lr.at(-1) < 1e-6);
  assert(accuracy > 0.75, `accuracy ${accuracy}`);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
