import t from 'tap';
import { collateDict } from '../../../src/data/rows/collate-dict.js';
import { defaultCollate } from '../../../src/data/rows/default-collate.js';
import { ClassLabel, Value } from '../../../src/data/rows/features.js';
import { itemgetter } from '../../../src/data/rows/itemgetter.js';
import type { NdArray } from '../../../src/data/rows/nd-array.js';
import { RowLoader } from '../../../src/data/rows/row-loader.js';
import { Rows } from '../../../src/data/rows/rows.js';
import { BatchSampler } from '../../../src/data/samplers/batch-sampler.js';
import { Sampler } from '../../../src/data/samplers/sampler.js';

const image = (...data: number[]) => ({ data: Uint8Array.from(data), shape: [1, data.length] });

t.test('defaultCollate, kind by kind', async t => {
  t.same(defaultCollate([1, -2, 3]), { data: Int32Array.of(1, -2, 3), shape: [3] });
  t.same(defaultCollate([1, 0.5]), { data: Float64Array.of(1, 0.5), shape: [2] });
  t.same(defaultCollate([1, 2 ** 31]), { data: Float64Array.of(1, 2 ** 31), shape: [2] });
  t.same(defaultCollate([1, Number.NaN]), { data: Float64Array.of(1, Number.NaN), shape: [2] });
  t.same(defaultCollate([true, false]), { data: Uint8Array.of(1, 0), shape: [2] });
  t.same(defaultCollate(['a', 'b']), ['a', 'b']);
  t.same(defaultCollate([Float32Array.of(1, 2), Float32Array.of(3, 4)]), {
    data: Float32Array.of(1, 2, 3, 4),
    shape: [2, 2],
  });
  t.same(defaultCollate([image(1, 2), image(3, 4), image(5, 6)]), {
    data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    shape: [3, 1, 2],
  });
  const tuples = [
    [image(1), 7, { name: 'a' }],
    [image(2), 8, { name: 'b', further: 1 }],
  ];
  t.same(
    defaultCollate(tuples),
    [
      { data: Uint8Array.of(1, 2), shape: [2, 1, 1] },
      { data: Int32Array.of(7, 8), shape: [2] },
      { name: ['a', 'b'] },
    ],
    'lists by place, dictionaries by key of the first row',
  );
});

t.test('what does not fit names row and key', async t => {
  const cases: [readonly unknown[], RegExp][] = [
    [[{ x: 1, y: 2 }, { x: 1 }], /y of row 1 is missing, row 0 has it/],
    [
      [{ x: image(1, 2) }, { x: image(3, 4) }, { x: image(5) }],
      /x of row 2 has shape \[1, 1\], in row 0 it is \[1, 2\]/,
    ],
    [[Uint8Array.of(1), Float32Array.of(1)], /row 1 is a Float32Array, in row 0 it is a Uint8Array/],
    [[{ x: { deep: 1 } }, { x: { deep: 'a' } }], /x\.deep of row 1 is string, in row 0 it is a number/],
    [[{ x: null }], /x of row 0 is null/],
    [[[1, 2], [1]], /row 1 has 1 items, in row 0 it has 2/],
    [
      [
        [1, 2],
        [1, undefined],
      ],
      /\[1\] of row 1 is undefined/,
    ],
    [[image(1), { data: Uint8Array.of(1, 2), shape: [1, 1] }], /row 1 has 2 elements/],
    [[() => 1], /row 0 is function/],
    [[], /no rows/],
  ];
  for (const [rows, message] of cases) t.throws(() => defaultCollate(rows), { code: 'E_DATASET', message });
});

t.test('itemgetter: a tuple of several, one by itself', async t => {
  t.same(itemgetter('b', 'a')({ a: 1, b: 2, c: 3 }), [2, 1]);
  t.equal(itemgetter('a')({ a: 1 }), 1);
  t.equal(itemgetter(1)(['x', 'y']), 'y');
  t.throws(() => itemgetter('a')({ b: 1 }), { code: 'E_DATASET', message: /'a'/ });
  t.throws(() => itemgetter(...([] as unknown as ['a'])), { code: 'E_CONFIG' });
});

t.test('collateDict: a tuple in the order of the features, not of the rows', async t => {
  const features = {
    image: new Value('object'),
    weight: new Value('float32'),
    label: new ClassLabel(['a', 'b']),
  };
  const rows = [
    { label: 1, weight: 2, image: image(1) },
    { label: 0, weight: 3, image: image(2) },
  ];
  t.same(collateDict(features)(rows), [
    { data: Uint8Array.of(1, 2), shape: [2, 1, 1] },
    { data: Float32Array.of(2, 3), shape: [2] },
    { data: Int32Array.of(1, 0), shape: [2] },
  ]);
  t.same(collateDict({ features: { label: features.label } })(rows), {
    data: Int32Array.of(1, 0),
    shape: [2],
  });
  t.throws(() => collateDict(features)([{ label: 1 }]), { code: 'E_DATASET', message: /'image'/ });
});

t.test('a RowLoader gives what collate makes of the rows; the transform runs once a batch', async t => {
  const sizes: number[] = [];
  const rows = Rows.from({ x: Array.from({ length: 7 }, (_, i) => i) }).withTransform<{
    x: number;
    y: number;
  }>(({ x }) => {
    sizes.push(x.length);
    return { x, y: x.map(value => 10 * value) };
  });
  const loader = new RowLoader(rows, {
    batchSize: 3,
    collate: batch => batch.map(({ x, y }) => `${x}:${y}`),
  });
  t.equal(loader.length, 3);
  const batches: string[][] = [];
  for await (const batch of loader) batches.push(batch);
  t.same(batches, [['0:0', '1:10', '2:20'], ['3:30', '4:40', '5:50'], ['6:60']]);
  t.same(sizes, [3, 3, 1]);

  const order = async (): Promise<number[]> => {
    const seen: number[] = [];
    for await (const { x } of shuffled) seen.push(...x.data);
    return seen;
  };
  const shuffled = new RowLoader<{ x: number }, { x: { data: Int32Array } }>(rows, {
    batchSize: 2,
    shuffle: true,
  });
  const [first, second] = [await order(), await order()];
  t.notSame(first, second, 'a new order each epoch');
  t.same([...first].sort(), [...second].sort());
});

t.test('a batch sampler as sampler: its batches, and no leading axis of one', async t => {
  const rows = Rows.from({ x: [1, 2, 3, 4, 5] });
  const loader = new RowLoader(rows, { sampler: new BatchSampler(new Sampler(rows), 2) });
  const shapes: unknown[] = [];
  for await (const batch of loader) shapes.push((batch as { x: NdArray }).x.shape);
  t.same(shapes, [[2], [2], [1]]);
  t.throws(() => new RowLoader(rows, { sampler: new BatchSampler(new Sampler(rows), 2), batchSize: 1 }), {
    code: 'E_LOADER',
    where: 'batchSize',
  });
});
