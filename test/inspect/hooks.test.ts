/** Hooks on the layers of all replicas: what N of them see is what one sees, and afterwards nothing is left. */
import t, { type Test } from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorOptions } from '../../src/coordinator/coordinator-options.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import type { ConfigError } from '../../src/errors.js';
import { Hook } from '../../src/inspect/hook.js';
import { recipeHook, stats } from '../../src/inspect/hook-functions.js';
import { Hooks, withHooks } from '../../src/inspect/hooks.js';
import { HooksCallback } from '../../src/inspect/hooks-callback.js';
import { Callback } from '../../src/learner/callback.js';
import { CancelFitException } from '../../src/learner/cancel.js';
import { HookRegistry } from '../../src/learner/hook-registry.js';
import { Learner } from '../../src/learner/learner.js';
import type { BatchLoader } from '../../src/learner/loaders.js';
import { normalize } from '../../src/nn/transform-specs.js';
import { threadUrl } from '../../src/thread-url.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, weightsOf } from '../fixtures/coordinators.js';

const hooked = (options = {}) => ({
  url: threadUrl('../fixtures/hooks-recipe', import.meta.url).href,
  options,
});
const ring = syntheticRing(10);
const transforms = [normalize({ mean: [0.5], std: [0.3] })];

const loader = (sizes: readonly number[]): BatchLoader => ({
  length: sizes.length,
  async *[Symbol.asyncIterator]() {
    for (const [index, size] of sizes.entries()) yield batchOf(ring, size, { index, transforms });
  },
});

/** A Learner over batches of these sizes; `options` go to the coordinator. */
function makeLearner(
  t: Test,
  replicas: number,
  {
    train = [10],
    valid = [10],
    recipe = hooked(),
    ...options
  }: { train?: number[]; valid?: number[] } & Partial<CoordinatorOptions> = {},
) {
  const coordinator = makeCoordinator(replicas, { recipe, ...options });
  t.teardown(() => coordinator.close());
  const dls = { train: loader(train), valid: loader(valid) };
  const learn = new Learner(coordinator, dls, { lr: 0.05, cbs: [new TrainCB()] });
  return { learn, coordinator };
}

const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

t.test('3 replicas: mean, std and histogram are those of the whole batch on one', async t => {
  const kinds = ['forward', 'gradient'] as const;
  const [one, three] = await Promise.all(
    [1, 3].map(async replicas => {
      const { learn } = makeLearner(t, replicas);
      const all = kinds.map(kind =>
        Hooks.on(learn, undefined, stats(kind === 'forward' ? {} : { decades: [-8, 0] }), { kind }),
      );
      const hooks = await Promise.all(all);
      await learn.fit(1, { valid: false });
      return hooks.map(some =>
        [...some].map(({ layer, value, calls }) => ({ layer: layer.name, value: value!, calls })),
      );
    }),
  );
  for (const [k, kind] of kinds.entries()) {
    const [alone, together] = [one[k], three[k]];
    const layers = ['first', 'leaky', 'shared', 'leaky2', 'flat', 'head'];
    t.same(
      alone.map(({ layer, calls }) => [layer, calls]),
      layers.map(layer => [layer, layer === 'shared' ? 2 : 1]),
    );
    for (const [i, { layer, value: a }] of alone.entries()) {
      const { value: b } = together[i];
      t.equal(b.count, a.count);
      const scale = kind === 'forward' ? 1 : a.std;
      t.ok(Math.abs(b.mean - a.mean) < 1e-5 * scale, `${kind} ${layer}: mean ${a.mean} ${b.mean}`);
      t.ok(Math.abs(b.std - a.std) < 1e-5 * scale, `${kind} ${layer}: std ${a.std} ${b.std}`);
      const total = (counts: readonly number[]) => counts.reduce((sum, n) => sum + n, 0);
      t.equal(total(b.histogram), total(a.histogram));
      // A value on the edge of two bins may be rounded into the other one: each moves one count out and one in.
      const moved = b.histogram.reduce((sum, n, bin) => sum + Math.abs(n - a.histogram[bin]), 0);
      t.ok(moved <= (kind === 'forward' ? 0 : 2), `${kind} ${layer}: ${moved} counts moved`);
    }
  }
});

t.test('capture and shape are in batch order, however uneven the shards', async t => {
  const { learn, coordinator } = makeLearner(t, 3);
  for (const size of [10, 2]) {
    await withHooks(learn, 'head', 'capture', async ([head]) => {
      const shape = await Hook.on(learn, 'flat', 'shape');
      const { predictions } = await coordinator.validBatch(batchOf(ring, size), { predictions: true });
      t.same(head.value?.shape, predictions?.shape);
      t.same(Array.from(head.value!.data), Array.from(predictions!.data));
      t.same(shape.value, [size, 6 * 6 * 16]);
      await shape.remove();
    });
  }
});

t.test("a recipe's hook: its sums are added up over the replicas, or joined as told", async t => {
  const { learn, coordinator } = makeLearner(t, 3);
  const total = await Hook.on(learn, 'head', 'total');
  const columns = recipeHook('columns', {
    merge: values => values.flatMap(v => Array.from(v.perSample as number[])),
  });
  const perSample = await Hook.on(learn, 'head', columns);
  const { predictions } = await coordinator.validBatch(batchOf(ring, 10), { predictions: true });
  // A copy: the next prediction is written to the same memory.
  const outputs = predictions!.data.slice();
  const sum = outputs.reduce((a, b) => a + b, 0);
  t.ok(Math.abs((total.value!.sum as number) - sum) < 1e-4);
  t.equal(total.value!.samples, 10);
  t.equal(perSample.value!.length, 10);
  t.ok(Math.abs(perSample.value!.reduce((a, b) => a + b, 0) - sum) < 1e-4);
  await Hook.removeAll([total, perSample]);
  const unlike = await Hook.on(learn, 'head', 'columns');
  await t.rejects(coordinator.validBatch(batchOf(ring, 10)), {
    code: 'E_CONFIG',
    message: /different sizes/,
  });
  await unlike.remove();
  const scaled = await Hook.on(learn, 'head', recipeHook('scaled', { options: { factor: -2 } }));
  const replaced = await coordinator.validBatch(batchOf(ring, 10), { predictions: true });
  t.ok(
    apart(
      replaced.predictions!.data,
      outputs.map(value => -2 * value),
    ) < 1e-5,
  );
  await scaled.remove();
});

t.test('several in one fit: each sees its own phases, and all are gone when it ends', async t => {
  const { learn } = makeLearner(t, 2, { train: [10, 7, 3], valid: [9] });
  const seen: Record<string, number> = {};
  const counting = (name: string, options = {}) =>
    new HooksCallback('shape', {
      filter: 'head',
      each: () => {
        seen[name] = (seen[name] ?? 0) + 1;
      },
      ...options,
    });
  const train = counting('train');
  const cbs = [
    train,
    counting('valid', { onTrain: false, onValid: true }),
    counting('both', { onValid: true }),
    counting('gradient', { kind: 'gradient', onValid: true }),
    counting('twice', { filter: ['shared', /^fir/] }),
  ];
  await learn.fit(2, { cbs });
  t.same(seen, { train: 6, valid: 2, both: 8, gradient: 6, twice: 18 });
  t.equal(HookRegistry.of(learn.runner).size, 0);
  t.equal(train.hooks?.[0].calls, 6);
  t.equal(train.hooks?.get('head')?.isOn, false);
  // The steps one by one see the same as the fused one.
  class Between extends Callback {
    override afterBackward(): void {}
  }
  await learn.fit(2, { cbs: [...cbs, new Between()] });
  t.same(seen, { train: 12, valid: 4, both: 16, gradient: 12, twice: 36 });
});

t.test('a fit that is cancelled, or whose hook throws, leaves no hook behind', async t => {
  const { learn } = makeLearner(t, 2, { train: [10, 10] });
  class Cancel extends Callback {
    override afterBatch(): void {
      throw new CancelFitException();
    }
  }
  const callback = new HooksCallback('shape');
  await learn.fit(1, { cbs: [callback, new Cancel()] });
  t.equal(callback.hooks?.[0].calls, 1);
  t.equal(HookRegistry.of(learn.runner).size, 0);
  const thrown = new Error('from a hook');
  const throwing = new HooksCallback('shape', {
    each: () => {
      throw thrown;
    },
  });
  await t.rejects(learn.fit(1, { cbs: [throwing] }), thrown);
  t.equal(HookRegistry.of(learn.runner).size, 0);
  await t.rejects(
    withHooks(learn, 'head', 'stats', () => {
      throw thrown;
    }),
    thrown,
  );
  t.equal(HookRegistry.of(learn.runner).size, 0);
  await learn.fit(1);
  t.equal(learn.result?.hooks, undefined);
});

t.test('what is misspelt is refused by name before the replicas see it', async t => {
  const { learn } = makeLearner(t, 2);
  const refusal = async (promise: Promise<unknown>) => (await promise.catch(error => error)) as ConfigError;
  const layer = await refusal(Hook.on(learn, 'haed', 'stats'));
  t.match(layer, { code: 'E_CONFIG', message: /haed/, hint: /first \(Conv2D\), .*head \(Dense\)/ });
  const fn = await refusal(Hook.on(learn, 'head', 'stat'));
  t.match(fn, { code: 'E_CONFIG', message: /"stat"/, hint: /stats, shape, capture, total/ });
  t.match(await refusal(Hook.on(learn, 'LeakyReLU', 'stats')), { message: /leaky, leaky2/ });
  t.match(await refusal(Hooks.on(learn, 'InputLayer', 'stats')), { code: 'E_CONFIG' });
  t.equal(HookRegistry.of(learn.runner).size, 0);
  const [wrong, right] = await Promise.allSettled([
    Hook.on(learn, 'head', 'nothing'),
    Hook.on(learn, 'head', 'shape'),
  ]);
  t.same([wrong.status, right.status], ['rejected', 'fulfilled'], 'a refused one takes no other with it');
  await learn.fit(1);
  t.equal((right as PromiseFulfilledResult<Hook>).value.calls, 2, 'the replicas live');
});

t.test("an error in a recipe's hook comes out of fit with its place", async t => {
  const { learn } = makeLearner(t, 2);
  const error = await learn.fit(1, { cbs: [new HooksCallback('broken', { filter: 'first' })] }).catch(e => e);
  t.match(error, { code: 'E_REPLICA', phase: 'forward', message: /boom/ });
});

const torch = isAddonBuilt() ? t.test : t.skip;
torch('torch engine: programs are compiled around hooks, and again without them', async t => {
  const recipe = hooked({ normed: true });
  const sizes = [10, 9, 10, 8, 10];
  const learners = [0, 1, 2].map(() =>
    makeLearner(t, 2, { train: sizes, recipe, engine: 'torch', devices: ['cpu:0', 'cpu:1'] }),
  );
  const [plain, watched, freed] = learners.map(({ learn }) => learn);
  const replaced = new HooksCallback('stats', { filter: ['norm', 'shared'] });
  await freed.runner.open();
  await withHooks(freed, undefined, 'stats', () => {});
  await plain.fit(1);
  await watched.fit(1, {
    cbs: [replaced, new HooksCallback('stats', { filter: 'leaky', kind: 'gradient' })],
  });
  await freed.fit(1);
  t.equal(replaced.hooks?.get('shared')?.calls, 10);
  const [a, b] = await Promise.all([0, 1].map(i => weightsOf(learners[i].coordinator)));
  t.ok(apart(a, b) < 1e-5, `weights with and without hooks are ${apart(a, b)} apart`);
  const checksums = await Promise.all(
    learners.map(({ coordinator }: { coordinator: Coordinator }) => coordinator.checksums()),
  );
  t.same(checksums[2], checksums[0], 'bit for bit as if there never had been a hook');
  t.notSame(checksums[1], checksums[0], 'hooked layers really ran outside the programs');
});
