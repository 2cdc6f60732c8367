import t from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { Sampler } from '../../src/data/samplers/sampler.js';
import { defaultSeed, setSeed } from '../../src/default-seed.js';
import { defineCallback } from '../../src/learner/define-callback.js';
import { Learner } from '../../src/learner/learner.js';
import { FakeRunner, fakeLoaders } from './fake-runner.js';

t.test('functions by event make a callback', async t => {
  const seen: string[] = [];
  const note = defineCallback({
    order: -1,
    beforeFit: () => void seen.push('fit'),
    afterBatch: async ({ iter, training }) => void seen.push(`${training ? 'train' : 'valid'} ${iter}`),
  });
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB(), note] });
  await learn.fit(1);
  t.strictSame(seen, ['fit', 'train 0', 'train 1', 'valid 0']);
  const misspelt = defineCallback({ name: 'Curve', afterBatches() {} } as object);
  t.throws(() => learn.add(misspelt), { code: 'E_CALLBACK', message: /Curve.afterBatches/ });
});

t.test('setSeed is the seed of what has none of its own, from then on', t => {
  const order = (seed?: number) => [...new Sampler(20, { shuffle: true, seed }).indices(0)];
  const before = new Sampler(20, { shuffle: true });
  t.equal(defaultSeed(), 42);
  t.strictSame(order(), order(42));
  setSeed(7);
  t.teardown(() => setSeed(42));
  t.strictSame(order(), order(7));
  t.strictSame([...before.indices(0)], order(42), 'what was made earlier keeps its seed');
  t.strictSame(order(3), order(3));
  t.throws(() => setSeed(-1), { code: 'E_CONFIG' });
  t.end();
});
