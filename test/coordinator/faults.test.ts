/** A replica that fails in any way ends the step for all of them, in bounded time, with its name and the cause. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { faultyRecipe, makeCoordinator, sgdSettings, sgdSpec } from '../fixtures/coordinators.js';
import type { FaultyOptions } from '../fixtures/faulty-recipe.js';

const ring = syntheticRing(9);

/** Trains three batches; gives what the run threw, once all its threads are gone. */
async function failureOf(fault: Partial<FaultyOptions>, replicas = 3): Promise<Error | undefined> {
  const coordinator = makeCoordinator(replicas, { recipe: faultyRecipe(fault), stallTimeoutMs: 1500 });
  try {
    await trainThree(coordinator);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    // Resolves only when every thread has exited: a zombie would make the test time out.
    await coordinator.close();
  }
}

async function trainThree(coordinator: Coordinator): Promise<void> {
  await coordinator.open();
  await coordinator.setOptimizer(sgdSpec(coordinator));
  for (let index = 0; index < 3; index++) {
    const batch = batchOf(ring, 9, { index, transforms: [{ name: 'faulty' }] });
    await coordinator.trainBatch(batch, sgdSettings(0.1));
  }
}

t.test('without a fault all is well', async t => t.equal(await failureOf({}), undefined));

for (const replica of [0, 2]) {
  t.test(`replica ${replica} throws while loading its data`, async t => {
    const error = await failureOf({ fault: 'throw', place: 'data', replica, call: 1 });
    t.match(error, { code: 'E_REPLICA', replica, phase: 'data', step: 1, cause: { message: 'boom' } });
  });

  t.test(`replica ${replica} throws in its loss while the others wait in the all-reduce`, async t => {
    const error = await failureOf({ fault: 'throw', place: 'loss', replica, call: 2 });
    t.match(error, { code: 'E_REPLICA', replica, phase: 'loss', step: 2, cause: { message: 'boom' } });
    t.match(error?.message, new RegExp(`replica ${replica} \\(wasm:${replica}\\).*'loss' at step 2: boom`));
  });

  t.test(`the thread of replica ${replica} exits`, async t => {
    const error = await failureOf({ fault: 'exit', place: 'loss', replica, call: 1 });
    t.match(error, { code: 'E_REPLICA', replica, phase: 'loss', step: 1 });
    t.match(error?.message, 'exited with code 7');
  });

  t.test(`replica ${replica} stalls`, async t => {
    const error = await failureOf({ fault: 'stall', place: 'loss', replica, call: 0 });
    t.match(error, { code: 'E_STALL', replica, phase: 'loss', step: 0 });
  });
}

t.test('a single replica that stalls is named as well', async t => {
  const error = await failureOf({ fault: 'stall', place: 'data', replica: 0, call: 0 }, 1);
  t.match(error, { code: 'E_STALL', replica: 0, phase: 'data' });
});

t.test('a recipe whose model() throws on one replica', async t => {
  const error = await failureOf({ fault: 'throw', place: 'model', replica: 1, call: 0 });
  t.match(error, { code: 'E_RECIPE', message: /model\(\) threw: boom/ });
});

t.test('a thread that ends while starting', async t => {
  const error = await failureOf({ fault: 'exit', place: 'model', replica: 1, call: 0 });
  t.match(error, { code: 'E_REPLICA', replica: 1, phase: 'start' });
});

t.test('a loss that is no scalar', async t => {
  const error = await failureOf({ fault: 'vector' });
  t.match(error, { code: 'E_REPLICA', cause: { code: 'E_RECIPE' }, message: /shape \[3\], not a scalar/ });
});

t.test('an abort signal ends the step in progress', async t => {
  const controller = new AbortController();
  const recipe = faultyRecipe({ fault: 'stall', place: 'loss', replica: 1, call: 1 });
  const coordinator = makeCoordinator(2, { recipe, signal: controller.signal });
  const training = trainThree(coordinator);
  const stalled = coordinator.open().then(() => controller.abort(new Error('enough')));
  await t.rejects(training, { code: 'E_ABORTED' });
  await stalled;
  await coordinator.close();
});

t.test('close is idempotent, and nothing runs after it', async t => {
  const coordinator = makeCoordinator(2);
  await coordinator.open();
  await Promise.all([coordinator.close(), coordinator.close()]);
  await coordinator.close();
  await t.rejects(coordinator.checksums(), { message: 'the replicas are closed' });
});

t.test('thousands of commands leave nothing behind on the coordinator', async t => {
  const coordinator = makeCoordinator(2);
  t.teardown(() => coordinator.close());
  await coordinator.open();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapAfter = async (commands: number): Promise<number> => {
    for (let i = 0; i < commands; i++) await coordinator.memory();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(500);
  const growth = (await heapAfter(8000)) - before;
  // 8,000 held replies would be more than 4 MB.
  t.ok(growth < 1e6, `heap grew by ${Math.round(growth / 1e3)} kB`);
});
