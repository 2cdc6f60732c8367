/** Reading and setting what replicas hold, clipping, weighting and averaging it, on real replicas. */
import t, { type Test } from 'tap';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import { ConfigError, LearnerError } from '../../src/errors.js';
import { models } from '../../src/models/catalog.js';
import {
  affine,
  contrast,
  horizontalFlip,
  normalize,
  randomCrop,
  rotate,
} from '../../src/nn/transform-specs.js';
import type { GroupSettings, TrainingState } from '../../src/protocol/optimizer.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSettings, sgdSpec } from '../fixtures/coordinators.js';

/** With batch norm: 4 and 8 filters. */
const recipe = { ...models.resnet, options: { filters: [4, 8] } };
const ring = syntheticRing(11);
const batch = batchOf(ring, 11, { transforms: [normalize({ mean: [0.5], std: [0.3] })] });

const adamw: GroupSettings[] = [{ lr: 1e-2, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 }];
const adamwSpec = (coordinator: Coordinator) => ({ ...sgdSpec(coordinator), kind: 'adamw' as const });

async function opened(t: Test, replicas: number): Promise<Coordinator> {
  const coordinator = makeCoordinator(replicas, { recipe });
  t.teardown(() => coordinator.close());
  await coordinator.open();
  await coordinator.setOptimizer(adamwSpec(coordinator));
  return coordinator;
}

async function train(coordinator: Coordinator, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) await coordinator.trainBatch(batch, adamw);
}

async function keepGradients(coordinator: Coordinator, weight = 1): Promise<void> {
  await coordinator.predict(batch, { training: true });
  await coordinator.getLoss();
  await coordinator.backward({ weight });
}

const checksum = async (coordinator: Coordinator): Promise<string> => (await coordinator.verifyReplicas())[0];

const l2 = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

t.test('a state put back trains on bit for bit as it did, whatever happened in between', async t => {
  const coordinator = await opened(t, 3);
  await train(coordinator, 2);
  const [before, state] = [await checksum(coordinator), await coordinator.getState({ optimizer: true })];
  t.strictSame(state.optimizer?.steps, [2]);
  t.strictSame(Object.keys(state.optimizer?.buffers ?? {}), ['mean', 'square']);
  t.ok(
    state.buffers.some(value => value !== 0 && value !== 1),
    'moving statistics have moved',
  );
  await train(coordinator, 3);
  const after = await checksum(coordinator);
  const moments = (await coordinator.getState({ optimizer: true })).optimizer;

  // As a learning rate finder would: another optimizer, far too large steps.
  await coordinator.setOptimizer(sgdSpec(coordinator));
  await coordinator.trainBatch(batch, sgdSettings(10));
  await coordinator.setState(state);
  t.equal(await checksum(coordinator), before);
  await train(coordinator, 3);
  t.equal(await checksum(coordinator), after);
  t.strictSame((await coordinator.getState({ optimizer: true })).optimizer, moments);

  const alone = await opened(t, 1);
  await alone.setState(state);
  t.equal(await checksum(alone), before, 'on another number of replicas too');
});

t.test('a state that does not fit is refused by name, and nothing changes', async t => {
  const coordinator = await opened(t, 2);
  await train(coordinator, 1);
  const before = await checksum(coordinator);
  const state = await coordinator.getState({ optimizer: true });
  const { optimizer } = state;
  if (!optimizer) throw new Error('no optimizer state');
  const short = new Float32Array(3);
  const cases: [TrainingState, RegExp][] = [
    [{ ...state, parameters: short }, /state parameters/],
    [{ ...state, buffers: short }, /state buffers/],
    [{ ...state, gradients: short }, /state gradients/],
    [{ ...state, average: { parameters: state.parameters, buffers: short } }, /state average.buffers/],
    [{ ...state, optimizer: { ...optimizer, steps: [1, 1] } }, /state optimizer.steps/],
    [
      { ...state, optimizer: { ...optimizer, spec: { kind: 'adamw', groups: [[999]] } } },
      /state optimizer.spec/,
    ],
    [{ ...state, optimizer: { ...optimizer, buffers: { mean: short } } }, /state optimizer.buffers.mean/],
    [
      { ...state, optimizer: { ...optimizer, buffers: { ...optimizer.buffers, velocity: short } } },
      /state optimizer.buffers.velocity/,
    ],
  ];
  for (const [wrong, where] of cases)
    await t.rejects(coordinator.setState(wrong), { code: 'E_CHECKPOINT', where });
  t.equal(await checksum(coordinator), before);
  await train(coordinator, 1);
});

t.test('reading the state or the inputs leaves an open step as it is', async t => {
  const [plain, watched] = [await opened(t, 2), await opened(t, 2)];
  for (const coordinator of [plain, watched]) {
    await coordinator.predict(batch, { training: true });
    if (coordinator === watched) await coordinator.inputs(batch, { training: true });
    await coordinator.getLoss();
    if (coordinator === watched)
      await coordinator.getState({ optimizer: true, gradients: true, average: true });
    await coordinator.backward();
    await coordinator.step(adamw);
    await coordinator.zeroGrad();
  }
  t.equal(await checksum(watched), await checksum(plain));
});

t.test('gradients are clipped as PyTorch does, by their norm and by value', async t => {
  const coordinator = await opened(t, 3);
  t.equal((await coordinator.getState({ gradients: true })).gradients, undefined, 'there are none yet');
  await keepGradients(coordinator);
  const { gradients } = await coordinator.getState({ gradients: true });
  if (!gradients) throw new Error('no gradients');
  const norm = await coordinator.clipGradients({ norm: l2(gradients) * 2 });
  t.ok(Math.abs(norm / l2(gradients) - 1) < 1e-6, `norm ${norm}`);
  const unclipped = (await coordinator.getState({ gradients: true })).gradients;
  t.strictSame(unclipped, gradients, 'below the limit nothing changes');

  const limit = norm / 4;
  t.equal(await coordinator.clipGradients({ norm: limit }), norm);
  const scaled = (await coordinator.getState({ gradients: true })).gradients ?? [];
  const factor = limit / (norm + 1e-6);
  t.ok(
    worst(
      scaled,
      gradients.map(value => value * factor),
    ) < 1e-8,
    'scaled by limit / (norm + 1e-6)',
  );

  await coordinator.clipGradients({ value: 0.01 });
  const cut = (await coordinator.getState({ gradients: true })).gradients ?? [];
  t.strictSame(
    cut,
    scaled.map(value => Math.fround(Math.max(-0.01, Math.min(0.01, value)))),
  );
  t.ok(
    cut.some((value, i) => value !== scaled[i]),
    'some were cut off',
  );
  await t.rejects(coordinator.clipGradients({}), ConfigError);
  await t.rejects(coordinator.clipGradients({ norm: 0 }), ConfigError);
});

t.test('backward by weight adds that share of the gradient, and all of the moving statistics', async t => {
  const coordinator = await opened(t, 3);
  const start = await coordinator.getState();
  await keepGradients(coordinator);
  const whole = await coordinator.getState({ gradients: true });
  await coordinator.zeroGrad();
  await coordinator.setState(start);
  await keepGradients(coordinator, 0.25);
  const quarter = await coordinator.getState({ gradients: true });
  t.strictSame(quarter.buffers, whole.buffers);
  t.notSame(whole.buffers, start.buffers);
  // The same forward pass: a power of two scales every gradient exactly.
  t.strictSame(
    quarter.gradients,
    whole.gradients?.map(value => value / 4),
  );
  await coordinator.setState(start);
  await keepGradients(coordinator, 0.75);
  const sum = await coordinator.getState({ gradients: true });
  t.ok(worst(sum.gradients ?? [], whole.gradients ?? []) < 1e-7);
});

t.test('the running average is the one kept by hand, buffers included, and can be swapped in', async t => {
  const coordinator = await opened(t, 3);
  await t.rejects(coordinator.swapAverage(), LearnerError);
  const byHand: { parameters: number[]; buffers: number[] } = { parameters: [], buffers: [] };
  for (const step of [0, 1, 2, 3]) {
    await train(coordinator, 1);
    await coordinator.average(0.6);
    const state = await coordinator.getState();
    for (const part of ['parameters', 'buffers'] as const) {
      const values = Array.from(state[part]);
      byHand[part] = values.map((value, i) => (step === 0 ? value : 0.6 * byHand[part][i] + 0.4 * value));
    }
  }
  const before = await checksum(coordinator);
  const { parameters, buffers, average } = await coordinator.getState({ average: true });
  t.ok(worst(average?.parameters ?? [], byHand.parameters) < 1e-6);
  t.ok(worst(average?.buffers ?? [], byHand.buffers) < 1e-6);

  await coordinator.swapAverage();
  const swapped = await coordinator.getState({ average: true });
  t.strictSame([swapped.parameters, swapped.buffers], [average?.parameters, average?.buffers]);
  t.strictSame(swapped.average, { parameters, buffers });
  await coordinator.validBatch(batch);
  await coordinator.swapAverage();
  t.equal(await checksum(coordinator), before);

  await coordinator.dropAverage();
  t.equal((await coordinator.getState({ average: true })).average, undefined);
  await coordinator.setState({ parameters, buffers, average });
  await coordinator.swapAverage();
  t.strictSame((await coordinator.getState()).parameters, average?.parameters);
});

t.test('inputs are what the model gets, in batch order, whatever the number of replicas', async t => {
  const [alone, together] = [await opened(t, 1), await opened(t, 3)];
  const transforms = [
    normalize({ mean: [0.5], std: [0.3] }),
    randomCrop({ padding: 1 }),
    horizontalFlip({ p: 0.5, perItem: true }),
    affine({ p: 1 }),
    contrast({ p: 1, perItem: true }),
  ];
  const augmented = batchOf(ring, 7, { epoch: 2, index: 5, transforms });
  const [first, second] = [await alone.inputs(augmented), await together.inputs(augmented)];
  t.strictSame(first.shape, [7, 6, 6, 1]);
  t.strictSame(second, first);
  t.strictSame((await together.inputs(augmented, { training: true })).data, first.data, 'drawn once');

  const mixed = { ...augmented, mix: { kind: 'mixup', alpha: 1 } as const };
  const plainData = first.data.slice();
  const [third, fourth] = await Promise.all(
    [alone, together].map(coordinator => coordinator.inputs(mixed, { training: true })),
  );
  t.strictSame(fourth.data, third.data);
  t.notSame(third.data, plainData, 'mixed as in a training step');
  t.strictSame((await together.inputs(mixed)).data, plainData, 'mixed in training only');

  const plain = await together.inputs(batchOf(ring, 7));
  t.strictSame(plain.data, Float32Array.from(batch.pixels.subarray(0, 7 * 36)));
});

t.test('draws per replica: the first one draws as if it were alone, the others not', async t => {
  const [alone, together] = [await opened(t, 1), await opened(t, 3)];
  const transforms = [rotate({ maxDegrees: 90, p: 1, perReplica: true })];
  const augmented = batchOf(ring, 7, { epoch: 2, index: 5, transforms });
  const [one, three] = [await alone.inputs(augmented), await together.inputs(augmented)];
  // Of seven images, the first replica has three.
  t.strictSame(three.data.slice(0, 3 * 36), one.data.slice(0, 3 * 36));
  for (const [from, to] of [
    [3, 5],
    [5, 7],
  ])
    t.notSame(three.data.slice(from * 36, to * 36), one.data.slice(from * 36, to * 36));
});
