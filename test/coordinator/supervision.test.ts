/**
 * Replicas that fail in every phase of a step and are replaced, or done without: what is computed then is bitwise what
 * would have been computed, and what can be saved belongs to the steps that were reported as done.
 */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorOptions } from '../../src/coordinator/coordinator-options.js';
import type { GroupSettings } from '../../src/protocol/optimizer.js';
import type { StepResult } from '../../src/protocol/step-runner.js';
import type { RunWarning } from '../../src/protocol/warning.js';
import { threadUrl } from '../../src/thread-url.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSpec } from '../fixtures/coordinators.js';
import type { FaultOptions } from '../fixtures/fault-recipe-names.js';
import { terminateOnRequest, threadsAlive } from '../fixtures/threads.js';

const ring = syntheticRing(12);
const settings: GroupSettings[] = [{ lr: 1e-2, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 }];
const stopTerminating = terminateOnRequest();
t.teardown(stopTerminating);

type Strike = Partial<FaultOptions>;

interface Course {
  readonly losses: number[];
  readonly checksums: readonly string[];
  readonly warnings: readonly RunWarning[];
  readonly devices: readonly string[];
}

function faulty(t: Test, strike: Strike, options: Partial<CoordinatorOptions>) {
  const marker = join(t.testdir(), 'struck');
  const warnings: RunWarning[] = [];
  const coordinator = makeCoordinator(3, {
    engine: 'cpu',
    stallTimeoutMs: 4000,
    recipe: {
      url: threadUrl('../fixtures/fault-recipe', import.meta.url).href,
      options: { phase: 'forward', replica: 1, step: 1, marker, ...strike },
    },
    onWarning: warning => warnings.push(warning),
    ...options,
  });
  return { coordinator, warnings };
}

const batchAt = (index: number) => batchOf(ring, 11, { index });

/** What a training step does, in one command or in all that callbacks can come between. */
const ways: Record<string, (coordinator: Coordinator, index: number) => Promise<Pick<StepResult, 'loss'>>> = {
  'in one': (coordinator, index) => coordinator.trainBatch(batchAt(index), settings),
  'in parts': async (coordinator, index) => {
    const batch = batchAt(index);
    await coordinator.predict(batch, { training: true });
    const result = await coordinator.getLoss();
    await coordinator.inputs(batch, { training: true });
    await coordinator.backward({ weight: 0.5 });
    // Gradients of two batches make a step.
    if (index % 2 === 0) return result;
    await coordinator.clipGradients({ norm: 1 });
    await coordinator.step(settings);
    await coordinator.zeroGrad(0.25);
    return result;
  },
};

async function run(t: Test, strike: Strike, options: Partial<CoordinatorOptions>, way = 'in one') {
  const { coordinator, warnings } = faulty(t, strike, options);
  try {
    await coordinator.open();
    await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
    const losses: number[] = [];
    for (let index = 0; index < 4; index++) {
      const { loss } = await ways[way](coordinator, index);
      losses.push(loss.sum / loss.count);
      if (index === 1) await coordinator.getState({ optimizer: true, gradients: true });
    }
    const checksums = await coordinator.verifyReplicas();
    return { losses, checksums, warnings, devices: coordinator.devices } satisfies Course;
  } finally {
    await coordinator.close();
    t.equal(threadsAlive(), 0, 'no thread is left');
  }
}

const strikes: readonly Strike[] = [
  { fault: 'throw', phase: 'start' },
  { fault: 'exit', phase: 'idle' },
  { fault: 'throw', phase: 'data' },
  { fault: 'stall', phase: 'forward' },
  { fault: 'exit', phase: 'loss' },
  { fault: 'terminate', phase: 'backward', replica: 0 },
  { fault: 'throw', phase: 'all-reduce' },
  { fault: 'exit', phase: 'update', replica: 2 },
  { fault: 'throw', phase: 'checkpoint', replica: 0 },
];
const nameOf = ({ fault, phase, replica = 1 }: Strike): string =>
  `${fault} in ${phase} on replica ${replica}`;

const struck: Record<string, readonly Strike[]> = {
  'in one': [strikes[0], strikes[1], strikes[4], strikes[6], strikes[7], strikes[8]],
  // Here the first optimizer step comes after two batches.
  'in parts': [strikes[5], strikes[7], { ...strikes[8], step: 0 }],
};

for (const way of Object.keys(ways)) {
  t.test(`restart: a step ${way}`, async t => {
    const undisturbed = await run(t, {}, {}, way);
    t.equal(new Set(undisturbed.checksums).size, 1);
    for (const strike of struck[way]) {
      await t.test(nameOf(strike), async t => {
        const course = await run(t, strike, { onReplicaFailure: 'restart' }, way);
        t.strictSame(course.checksums, undisturbed.checksums);
        t.strictSame(course.losses, undisturbed.losses);
        t.match(course.warnings, [{ code: 'W_REPLICA_RESTARTED', replica: strike.replica ?? 1 }]);
      });
    }
  });
}

t.test('shrink: the others go on, with the whole batch', async t => {
  const undisturbed = await run(t, {}, {});
  for (const strike of [strikes[3], strikes[7]]) {
    await t.test(nameOf(strike), async t => {
      const course = await run(t, strike, { onReplicaFailure: 'shrink' });
      const lost = strike.replica ?? 1;
      t.strictSame(
        course.devices,
        ['cpu:0', 'cpu:1', 'cpu:2'].filter((_, rank) => rank !== lost),
      );
      t.equal(course.checksums.length, 2);
      t.match(course.warnings, [{ code: 'W_REPLICA_LOST', replica: lost }]);
      // Steps before the loss are the same; later ones draw other dropout masks.
      t.equal(course.losses[0], undisturbed.losses[0]);
      t.ok(course.losses.every(Number.isFinite));
    });
  }
});

t.test('fail: the state of those left belongs to the steps done', async t => {
  const states = new Map<number, string>();
  const stateAfter = async (coordinator: Coordinator): Promise<string> => {
    const { parameters, buffers } = await coordinator.getState({ optimizer: true });
    return Buffer.from(Float32Array.of(...parameters, ...buffers).buffer).toString('base64');
  };
  const trainTo = async (t: Test, strike: Strike) => {
    const { coordinator } = faulty(t, strike, {});
    t.teardown(() => coordinator.close());
    await coordinator.open();
    await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
    let done = 0;
    try {
      for (; done < 4; done++) {
        await coordinator.trainBatch(batchAt(done), settings);
        if (strike.fault === undefined) states.set(done + 1, await stateAfter(coordinator));
      }
    } catch (error) {
      return { error, done, state: await stateAfter(coordinator) };
    }
    return { done };
  };
  await trainTo(t, {});
  for (const strike of [strikes[2], strikes[5], strikes[7]]) {
    await t.test(nameOf(strike), async t => {
      const { error, done, state } = await trainTo(t, strike);
      t.match(error, {
        code: strike.fault === 'stall' ? 'E_STALL' : 'E_REPLICA',
        replica: strike.replica ?? 1,
      });
      t.equal(state, states.get(done));
    });
  }
});

t.test('fail: between gradients and step, there is no step any more', async t => {
  const { coordinator } = faulty(t, { fault: 'throw', phase: 'checkpoint', replica: 0, step: 0 }, {});
  t.teardown(() => coordinator.close());
  await coordinator.open();
  await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
  await coordinator.predict(batchAt(0), { training: true });
  await coordinator.getLoss();
  await coordinator.backward();
  const state = await coordinator.getState({ gradients: true });
  t.equal(state.gradients, undefined, 'the batch is taken back');
  await t.rejects(coordinator.step(settings), { code: 'E_REPLICA', replica: 0, phase: 'checkpoint' });
  t.strictSame(await coordinator.getState({ gradients: true }), state);
});

t.test(
  'fail: a replica lost while the weights after a step are compared takes the step away from nobody',
  async t => {
    const { coordinator } = faulty(t, { fault: 'exit', phase: 'checksum', step: 0 }, { verify: 'step' });
    t.teardown(() => coordinator.close());
    await coordinator.open();
    await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
    await coordinator.trainBatch(batchAt(0), settings);
    const { optimizer } = await coordinator.getState({ optimizer: true });
    t.strictSame(optimizer?.steps, [1]);
    await t.rejects(coordinator.trainBatch(batchAt(1), settings), {
      code: 'E_REPLICA',
      replica: 1,
      phase: 'checksum',
    });
  },
);

t.test('closed while it opens', async t => {
  const { coordinator } = faulty(t, {}, {});
  const opened = coordinator.open();
  await Promise.all([coordinator.close(), t.rejects(opened, { message: 'the replicas are closed' })]);
  t.equal(threadsAlive(), 0);
});

t.test('a replica that fails again and again ends the run, with the state of the others', async t => {
  const options = { onReplicaFailure: 'restart', maxRestarts: 2 } as const;
  const { coordinator, warnings } = faulty(t, { fault: 'throw', phase: 'backward', times: 9 }, options);
  t.teardown(() => coordinator.close());
  await coordinator.open();
  await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
  await coordinator.trainBatch(batchAt(0), settings);
  const { parameters } = await coordinator.getState();
  await t.rejects(coordinator.trainBatch(batchAt(1), settings), {
    code: 'E_REPLICA',
    replica: 1,
    phase: 'backward',
  });
  t.equal(warnings.length, 2);
  t.strictSame((await coordinator.getState()).parameters, parameters);
  await t.rejects(coordinator.trainBatch(batchAt(2), settings), { code: 'E_REPLICA' });
});

t.test('what would go wrong on every thread is not tried again', async t => {
  const { coordinator, warnings } = faulty(t, {}, { onReplicaFailure: 'restart' });
  t.teardown(() => coordinator.close());
  await coordinator.open();
  const beyond = syntheticRing(12);
  new Int32Array(beyond.buffers[0]).fill(99, -200);
  const batch = batchOf(beyond, 11);
  batch.labels.fill(99);
  await t.rejects(coordinator.validBatch(batch), { code: 'E_REPLICA', cause: { code: 'E_SAMPLE' } });
  t.strictSame(warnings, []);
});

t.test('all replicas at once: there is nobody to go on with', async t => {
  const { coordinator } = faulty(t, {}, { onReplicaFailure: 'restart', devices: ['cpu:0'] });
  t.teardown(() => coordinator.close());
  await coordinator.open();
  const { coordinator: alone } = faulty(
    t,
    { fault: 'exit', replica: 0, phase: 'forward', step: 0 },
    {
      onReplicaFailure: 'restart',
      devices: ['cpu:0'],
    },
  );
  t.teardown(() => alone.close());
  await alone.open();
  await t.rejects(alone.validBatch(batchAt(0)), { code: 'E_REPLICA', replica: 0 });
  await t.rejects(alone.getState(), { code: 'E_REPLICA', replica: 0 });
});

t.test('a thread that does not return from native code holds up nobody', async t => {
  const strike = { fault: 'native', phase: 'backward', step: 0 } as const;
  const options = { stallTimeoutMs: 500, onReplicaFailure: 'shrink' } as const;
  const { coordinator, warnings } = faulty(t, strike, options);
  await coordinator.open();
  await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
  await coordinator.trainBatch(batchAt(0), settings);
  t.strictSame(coordinator.devices, ['cpu:0', 'cpu:2']);
  await coordinator.close();
  t.match(
    warnings.map(({ code }) => code),
    ['W_STUCK_THREAD', 'W_REPLICA_LOST'],
  );
});

t.test('a step that takes long is told of, and ends when it ends', async t => {
  const { coordinator, warnings } = faulty(
    t,
    { fault: 'stall', phase: 'backward', step: 0 },
    { stallWarningMs: 50 },
  );
  t.teardown(() => coordinator.close());
  await coordinator.open();
  await coordinator.setOptimizer({ ...sgdSpec(coordinator), kind: 'adamw' });
  warnings.length = 0;
  await t.rejects(coordinator.trainBatch(batchAt(0), settings), { code: 'E_STALL', replica: 1 });
  t.match(warnings[0], {
    code: 'W_STALL',
    message: /^no answer for 0\.05 s from replica \d \(cpu:\d\) in phase '/,
  });
});
