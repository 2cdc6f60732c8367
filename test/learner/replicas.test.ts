/** Optimizers of the Learner on real replicas: momentum kept in the gradients, freezing, a recipe's own rule. */
import t, { type Test } from 'tap';
import { AutoAnnealerCB } from '../../src/callbacks/auto-annealer.js';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorOptions } from '../../src/coordinator/coordinator-options.js';
import '../../src/learner/freezing.js';
import { engineFactories } from '../../src/engine/registry.js';
import { Learner } from '../../src/learner/learner.js';
import { lessonRmsprop } from '../../src/learner/lesson-optimizers.js';
import { MomentumLearner } from '../../src/learner/momentum-learner.js';
import { adam, recipeOptimizer, rmsprop, sgd } from '../../src/learner/optimizer.js';
import { splitLayers } from '../../src/learner/param-groups.js';
import { TrainLearner } from '../../src/learner/train-learner.js';
import { threadUrl } from '../../src/thread-url.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';

const ring = syntheticRing(11);
/** Batches of 11, 7 and 2 samples: uneven on 3 replicas, one of which has none of the last. */
const loader = {
  length: 3,
  async *[Symbol.asyncIterator]() {
    for (const [index, size] of [11, 7, 2].entries()) yield batchOf(ring, size, { index });
  },
};
const dls = { train: loader, valid: loader };

function replicasOf(t: Test, replicas: number, options: Partial<CoordinatorOptions> = {}): Coordinator {
  const coordinator = makeCoordinator(replicas, { seed: 5, ...options });
  t.teardown(() => coordinator.close());
  return coordinator;
}

/** Checksum of the weights, the same on all replicas or an error. */
const checksum = async (coordinator: Coordinator): Promise<string> => (await coordinator.verifyReplicas())[0];

const { ok: hasTorch } = await engineFactories.torch.available();
/** Each takes the optimizer step in loops of its own. */
const engines = [
  { engine: 'wasm', device: 'wasm', skip: false as const },
  { engine: 'torch', device: 'cpu', skip: hasTorch ? (false as const) : 'the torch engine is not built' },
];

for (const { engine, device, skip } of engines)
  for (const replicas of [1, 3])
    t.test(
      `MomentumLearner is SGD with momentum to the bit, on ${replicas} of ${engine}`,
      { skip },
      async t => {
        const devices = Array.from({ length: replicas }, (_, rank) => `${device}:${rank}`);
        const runner = replicasOf(t, replicas, { engine, devices });
        await runner.open();
        const state = await runner.getState();
        const trained = async (learn: Learner) => {
          await runner.setState(state);
          await runner.zeroGrad();
          await learn.fit(4);
          return checksum(runner);
        };
        const inGradients = await trained(new MomentumLearner(runner, dls, { lr: 0.05, mom: 0.85 }));
        const optFunc = sgd({ momentum: 0.85 });
        const inOptimizer = await trained(
          new Learner(runner, dls, { lr: 0.05, cbs: [new TrainCB()], optFunc }),
        );
        t.equal(inGradients, inOptimizer);
        const without = await trained(new TrainLearner(runner, dls, { lr: 0.05 }));
        t.not(without, inOptimizer, 'momentum makes a difference here');
      },
    );

t.test('what a MomentumLearner keeps outlives the fit', async t => {
  const runner = replicasOf(t, 1);
  const learn = new MomentumLearner(runner, dls, { lr: 0.05 });
  await runner.open();
  const state = await runner.getState();
  await learn.fit(2);
  const whole = await checksum(runner);
  await runner.setState(state);
  await runner.zeroGrad();
  await learn.fit(1);
  await learn.fit(1);
  t.equal(await checksum(runner), whole);
  t.throws(() => new MomentumLearner(runner, dls, { mom: 1 }), { code: 'E_CONFIG' });
});

t.test('frozen groups stand still on all replicas, in later fits too, until unfrozen', async t => {
  const coordinator = replicasOf(t, 2);
  const optFunc = adam({ groups: splitLayers(2), weightDecay: 0.1 });
  const learn = new Learner(coordinator, dls, { lr: 0.01, cbs: [new TrainCB()], optFunc });
  const parts = async () => {
    const { parameters, optimizer } = await coordinator.getState({ optimizer: true });
    const [body, head] = optimizer!.spec.groups.map(members =>
      members.flatMap(index => {
        const { offset, size } = coordinator.parameters[index];
        return [...parameters.subarray(offset, offset + size)];
      }),
    );
    return { body, head, steps: optimizer!.steps };
  };
  await learn.fit(1);
  const before = await parts();
  t.same(before.steps, [3, 3]);

  learn.freeze();
  await learn.fit(1);
  await learn.fit(1);
  const after = await parts();
  t.same(after.body, before.body);
  t.notSame(after.head, before.head);
  t.same(after.steps, [0, 3], 'a new optimizer each fit');

  learn.optFunc = null;
  learn.unfreeze();
  await learn.fit(1);
  const unfrozen = await parts();
  t.notSame(unfrozen.body, before.body);
  t.same(unfrozen.steps, [3, 6], 'each group counts its own steps');
  t.throws(() => learn.freezeTo(2), { code: 'E_CONFIG', message: /no group 2: the optimizer has 2/ });
  await coordinator.verifyReplicas();
});

t.test('AutoAnnealerCB reads what the replicas keep', async t => {
  const coordinator = replicasOf(t, 2);
  for (const [optFunc, share] of [
    [adam({ betas: [0.9, 0.95] }), 1 - 0.95 ** 3],
    [rmsprop({ alpha: 0.9 }), 1 - 0.9 ** 3],
    [lessonRmsprop(), 1],
  ] as const) {
    const annealer = new AutoAnnealerCB({ trigger: 'doubled' });
    const cbs = [new TrainCB(), annealer];
    await new Learner(coordinator, dls, { lr: 1e-3, cbs, optFunc }).fit(1);
    const { optimizer } = await coordinator.getState({ optimizer: true });
    const expected = optimizer!.buffers.square.reduce((sum, value) => sum + Math.sqrt(value / share), 0);
    const [{ statistic }] = annealer.history;
    t.ok(expected > 0 && Math.abs(statistic / expected - 1) < 1e-6, `${optimizer!.spec.kind}: ${statistic}`);
  }
});

t.test("a recipe's own optimizer: settings, state, and a name that is not there", async t => {
  const recipe = { url: threadUrl('../fixtures/optimizers-recipe', import.meta.url).href, options: {} };
  const coordinator = replicasOf(t, 2, { recipe });
  const losses: number[] = [];
  const cbs = [new TrainCB()];
  const optFunc = recipeOptimizer('spreadsheetAdam', { decay: 0.9, groups: splitLayers(2) });
  const learn = new Learner(coordinator, dls, { lr: [0.01, 0.02], cbs, optFunc });
  for (let epoch = 0; epoch < 4; epoch++) {
    await learn.fit(1, { valid: false });
    losses.push(learn.loss);
  }
  t.ok(losses[3] < losses[0], losses.join(' '));
  const { optimizer } = await coordinator.getState({ optimizer: true });
  t.same(Object.keys(optimizer!.buffers), ['mean', 'square']);
  t.ok(optimizer!.buffers.square.some(value => value > 0));
  learn.optFunc = recipeOptimizer('spreadsheetAdan', { groups: splitLayers(2) });
  await t.rejects(learn.fit(1), { code: 'E_CONFIG', message: /spreadsheetAdan/, hint: /spreadsheetAdam/ });
  t.throws(() => recipeOptimizer('spreadsheetAdam', { decay: () => 0.9 }), {
    code: 'E_CONFIG',
    message: /decay/,
  });
});
