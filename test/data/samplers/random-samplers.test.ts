import t from 'tap';
import { BatchSampler } from '../../../src/data/samplers/batch-sampler.js';
import {
  InfiniteSampler,
  RandomSampler,
  SequentialSampler,
  SubsetRandomSampler,
} from '../../../src/data/samplers/row-samplers.js';
import type { IndexSampler } from '../../../src/data/samplers/sampler.js';
import {
  classBalancedWeights,
  WeightedRandomSampler,
} from '../../../src/data/samplers/weighted-random-sampler.js';

/** Σ (observed − expected)² / expected over the cells that can be drawn. */
function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b);
  return counts.reduce((sum, count, i) => {
    const expected = shares[i] * total;
    return expected === 0
      ? sum + (count === 0 ? 0 : Number.POSITIVE_INFINITY)
      : sum + (count - expected) ** 2 / expected;
  }, 0);
}

function countRows(rows: Iterable<number>, cells: number): number[] {
  const counts = Array<number>(cells).fill(0);
  for (const row of rows) counts[row]++;
  return counts;
}

const range = (count: number): number[] => [...Array(count).keys()];

/** Shares of draws without replacement: of rows drawn first, and of rows drawn second. */
function sharesOfTwo(weights: readonly number[]): { first: number[]; second: number[] } {
  const total = weights.reduce((a, b) => a + b);
  const first = weights.map(weight => weight / total);
  const second = weights.map((weight, row) =>
    weights.reduce(
      (sum, other, i) => (i === row ? sum : sum + (other / total) * (weight / (total - other))),
      0,
    ),
  );
  return { first, second };
}

// 99.99 % quantiles of the chi-square distribution with 4 and 5 degrees of freedom.
const limits = { 4: 23.5, 5: 25.7 };

t.test('weights are the shares of what is drawn with replacement', async t => {
  const weights = [1, 0, 2, 3, 0.5, 3.5, 0];
  const shares = weights.map(weight => weight / 10);
  for (const seed of [1, 2, 3]) {
    const sampler = new WeightedRandomSampler(weights, 20_000, { seed });
    const chi = chiSquare(countRows(sampler.indices(0), 7), shares);
    t.ok(chi < limits[4], `seed ${seed}: chi-square ${chi.toFixed(1)} with 4 degrees of freedom`);
  }
});

t.test('without replacement: no row twice, and each draw is by weight among what is left', async t => {
  const weights = [5, 1, 2, 0, 4, 3];
  const sampler = new WeightedRandomSampler(weights, 5, { replacement: false, seed: 9 });
  const first: number[] = [];
  const second: number[] = [];
  for (let epoch = 0; epoch < 8000; epoch++) {
    const rows = [...sampler.indices(epoch)];
    if (rows.toSorted().join() !== '0,1,2,4,5') t.fail(`epoch ${epoch}: rows ${rows.join()}`);
    first.push(rows[0]);
    second.push(rows[1]);
  }
  const shares = sharesOfTwo(weights);
  t.ok(chiSquare(countRows(first, 6), shares.first) < limits[4]);
  t.ok(chiSquare(countRows(second, 6), shares.second) < limits[4]);
  t.throws(() => new WeightedRandomSampler(weights, 6, { replacement: false }), {
    code: 'E_LOADER',
    message: '5 of 6 weights are above 0',
  });
});

t.test('balanced weights draw every class equally often', async t => {
  const labels = Int32Array.from({ length: 600 }, (_, i) => (i % 100 < 90 ? 0 : i % 100 < 99 ? 1 : 2));
  const sampler = new WeightedRandomSampler(classBalancedWeights(labels), 6000);
  const classes = Uint32Array.from(sampler.indices(4), row => labels[row]);
  t.ok(chiSquare(countRows(classes, 3), [1 / 3, 1 / 3, 1 / 3]) < 18.5);
});

t.test('with replacement every row is as likely as any other, whatever came before', async t => {
  const sampler = new RandomSampler(6, { replacement: true, numSamples: 18_000, seed: 4 });
  const rows = sampler.indices(0);
  t.ok(chiSquare(countRows(rows, 6), Array(6).fill(1 / 6)) < limits[5]);
  const repeats = rows.reduce((sum, row, i) => sum + (i > 0 && rows[i - 1] === row ? 1 : 0), 0);
  t.ok(Math.abs(repeats - 3000) < 250, `${repeats} repeats in a row, 3000 expected, standard deviation 50`);
});

t.test('a permutation, part of one, or several', async t => {
  for (const numSamples of [3, 10, 25]) {
    const rows = [...new RandomSampler(10, { numSamples }).indices(2)];
    t.equal(rows.length, numSamples);
    for (let at = 0; at < numSamples; at += 10) {
      const round = rows.slice(at, at + 10);
      t.equal(new Set(round).size, round.length, 'no row twice in a round');
    }
  }
  t.same([...new SubsetRandomSampler([7, 3, 5]).indices(0)].toSorted(), [3, 5, 7]);
  t.same(new SequentialSampler({ length: 4 }).indices(3), Uint32Array.of(0, 1, 2, 3));
});

t.test('epochs of an infinite sampler follow each other through whole permutations', async t => {
  for (const numSamples of [3, 7, 10, 24]) {
    const sampler = new InfiniteSampler(10, numSamples, { seed: 3 });
    const stream = range(20).flatMap(epoch => [...sampler.indices(epoch)]);
    for (let at = 0; at + 10 <= stream.length; at += 10) {
      t.equal(new Set(stream.slice(at, at + 10)).size, 10, `numSamples ${numSamples}, from ${at}`);
    }
    t.notSame(stream.slice(0, 10), stream.slice(10, 20));
  }
  t.same([...new InfiniteSampler(4, 6, { shuffle: false }).indices(1)], [2, 3, 0, 1, 2, 3]);
});

t.test('what an epoch draws depends on seed and epoch alone', async t => {
  const weights = range(30).map(row => row + 1);
  const samplers: Record<string, (seed: number) => IndexSampler> = {
    random: seed => new RandomSampler(30, { seed }),
    replacement: seed => new RandomSampler(30, { seed, replacement: true }),
    subset: seed => new SubsetRandomSampler(range(30), { seed }),
    infinite: seed => new InfiniteSampler(30, 30, { seed }),
    weighted: seed => new WeightedRandomSampler(weights, 30, { seed }),
    distinct: seed => new WeightedRandomSampler(weights, 30, { seed, replacement: false }),
  };
  for (const [name, make] of Object.entries(samplers)) {
    const order = (seed: number, epoch: number): string => Array.from(make(seed).indices(epoch)).join();
    const sampler = make(1);
    sampler.indices(0);
    const late = Array.from(sampler.indices(5)).join();
    const orders = [order(1, 0), late, order(2, 0), order(2, 5)];
    t.equal(new Set(orders).size, 4, name);
    t.equal(order(1, 5), late, `${name}: epoch 5 by itself`);
    t.equal(new BatchSampler(sampler, 8).length, 4);
  }
});

t.test('weights and counts that make no sense', async t => {
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing wrong';
  };
  t.equal(
    message(() => new WeightedRandomSampler([1, -2], 3)),
    'the weight of row 1 is -2',
  );
  t.equal(
    message(() => new WeightedRandomSampler([1, Number.NaN], 3)),
    'the weight of row 1 is NaN',
  );
  t.equal(
    message(() => new WeightedRandomSampler([0, 0], 3)),
    '0 of 2 weights are above 0',
  );
  t.equal(
    message(() => new WeightedRandomSampler([1], 0)),
    'numSamples is 0',
  );
  t.equal(
    message(() => new RandomSampler(0, { numSamples: 4 })),
    'there are no rows to draw from',
  );
  t.equal(
    message(() => new InfiniteSampler(4, 1.5)),
    'numSamples is 1.5',
  );
});
