import t from 'tap';
import { ClassLabel, Image, Value } from '../../../src/data/rows/features.js';
import { inplace } from '../../../src/data/rows/inplace.js';
import type { ImageArray } from '../../../src/data/rows/nd-array.js';
import { Rows } from '../../../src/data/rows/rows.js';

const image = (value: number): ImageArray => ({ data: Uint8Array.of(value, value + 1), shape: [1, 2, 1] });

/** Four rows of three columns. */
const table = () =>
  Rows.from(
    { image: [10, 20, 30, 40].map(image), label: Int32Array.of(2, 0, 1, 2), name: ['a', 'b', 'c', 'd'] },
    { label: new ClassLabel(['shoe', 'hat', 'bag']) },
  );

t.test('one row is a dictionary, several are a dictionary of lists', async t => {
  const rows = table();
  t.equal(rows.length, 4);
  t.same(rows.columnNames, ['image', 'label', 'name']);
  t.same(await rows.get(1), { image: image(20), label: 0, name: 'b' });
  const lists = { image: [image(10), image(20)], label: [2, 0], name: ['a', 'b'] };
  t.same(await rows.slice(0, 2), lists);
  t.same(await rows.slice(-4, -2), lists);
  t.same(await rows.at([1, 0, 1]).then(({ name }) => name), ['b', 'a', 'b']);
  t.same(await rows.slice(9), { image: [], label: [], name: [] });
  t.same(await rows.column('label'), [2, 0, 1, 2]);
  const some = rows.select([3, 1]).select([1, 0]);
  t.same(await some.column('name'), ['b', 'd'], 'rows of rows');
  t.same((await some.get(1)).label, 2);
  const seen: string[] = [];
  for await (const { name } of some) seen.push(name);
  t.same(seen, ['b', 'd']);
  await t.rejects(rows.get(4), /row 4 is outside 0 … 3/);
  await t.rejects(rows.column('lable' as 'label'), { code: 'E_DATASET', hint: /'label'/ });
  t.throws(() => Rows.from({ a: [1], b: [1, 2] }), { code: 'E_DATASET', where: 'b' });
  t.throws(() => Rows.from({ a: [1] }, { b: new Value('int32') }), { code: 'E_DATASET', where: 'b' });
});

t.test('features, given and told by the values', async t => {
  const { features } = Rows.from(
    { image: [image(1)], size: [0.5], label: [1], name: ['x'], ok: [true] },
    { label: new ClassLabel(['shoe', 'hat']) },
  );
  t.same(Object.keys(features), ['image', 'size', 'label', 'name', 'ok']);
  t.ok(features.image instanceof Image);
  const dtypes = ['size', 'name', 'ok'].map(name => (features[name] as Value).dtype);
  t.same(dtypes, ['float64', 'string', 'bool']);
});

t.test('a ClassLabel goes both ways, for one and for lists', async t => {
  const label = new ClassLabel(['T - shirt / top', 'Trouser', 'Coat']);
  t.equal(label.int2str(1), 'Trouser');
  t.same(label.int2str(Int32Array.of(2, 0)), ['Coat', 'T - shirt / top']);
  t.same(label.str2int(label.int2str([0, 1, 2])), [0, 1, 2]);
  t.equal(label.str2int('Coat'), 2);
  t.throws(() => label.int2str(3), { code: 'E_DATASET', hint: /0 … 2/ });
  t.throws(() => label.int2str([0, -1]), { code: 'E_DATASET' });
  t.throws(() => label.str2int('Trousers'), { code: 'E_DATASET', hint: /'Trouser'/ });
  t.throws(() => new ClassLabel(['a', 'b', 'a']), { code: 'E_DATASET', message: /a/ });
});

t.test('a transform gets a dictionary of lists, also for one row, and runs at each access', async t => {
  const rows = table();
  const sizes: number[] = [];
  let draw = 0;
  const drawn = rows.withTransform<{ image: ImageArray; draw: number }>(({ image, label }) => {
    t.ok(Array.isArray(label) && Array.isArray(image));
    sizes.push(image.length);
    draw++;
    return { image, draw: image.map(() => draw) };
  });
  t.same(await drawn.get(2), { image: image(30), draw: 1 });
  t.equal((await drawn.get(2)).draw, 2, 'nothing is remembered');
  t.same((await drawn.slice(1, 4)).draw, [3, 3, 3]);
  t.same(sizes, [1, 1, 3], 'once for a batch');
  t.same(drawn.features, rows.features);
  t.same(await drawn.column('name'), ['a', 'b', 'c', 'd'], 'columns are as they are stored');
  t.same(Object.keys(await rows.get(0)), ['image', 'label', 'name'], 'the original has none');
  const replaced = drawn.withTransform<{ name: string }>(({ name }) => ({ name }));
  t.same(await replaced.get(3), { name: 'd' }, 'it takes the place of the one before');
});

t.test('inplace: changes reach whoever reads, not the table', async t => {
  const rows = table();
  const half = rows.withTransform(
    inplace(({ image }) => {
      for (const { data } of image) data[0] = 0;
    }),
  );
  t.same((await half.get(0)).image.data, Uint8Array.of(0, 11));
  t.same((await rows.get(0)).image.data, Uint8Array.of(10, 11));
  const late = inplace(async (batch: number[]) => {
    batch.push(1);
  });
  t.same(await late([]), [1]);
});

t.test('a transform that returns something else is refused', async t => {
  const rows = table();
  for (const [returned, message] of [
    [undefined, /returned undefined/],
    [null, /returned null/],
    [[1], /returned a list/],
    [{ label: [1, 2] }, /returned 2 values in label for 1 rows/],
    [{ label: 3 }, /returned no list of values in label/],
    [{ name: 'x' }, /returned a string in name/],
  ] as const) {
    const bad = rows.withTransform(() => returned as never);
    await t.rejects(bad.get(0), { code: 'E_DATASET', where: 'withTransform', message });
  }
});
