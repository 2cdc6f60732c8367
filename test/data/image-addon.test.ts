/** Copying of rows: the addon's, and where it is not used, the plain loops. */
import t from 'tap';
import { MemoryStore } from '../../src/data/cache/memory-store.js';
import { type MemoryCache, RowState } from '../../src/data/cache/pixel-cache.js';
import { imageAddon } from '../../src/data/image-addon.js';
import { Purpose, Random } from '../../src/random.js';

const random = new Random({ seed: 3, purpose: Purpose.sampling });

const bytes = (length: number, bound = 256): Uint8Array =>
  Uint8Array.from({ length }, () => random.below(bound));

/** What is to come of it, one row at a time. */
function expected(
  all: Uint8Array,
  states: Uint8Array,
  rows: Uint32Array,
  rowBytes: number,
): { copied: number; target: Uint8Array } {
  const target = new Uint8Array(rows.length * rowBytes).fill(7);
  let copied = 0;
  while (copied < rows.length && states[rows[copied]] === RowState.full) {
    const start = rows[copied] * rowBytes;
    target.set(all.subarray(start, start + rowBytes), copied++ * rowBytes);
  }
  return { copied, target };
}

t.test('rows of a cache in one segment and in several, up to the first that is not there', async t => {
  const faults: string[] = [];
  for (let round = 0; round < 300; round++) {
    const rowBytes = 1 + random.below(2000);
    const count = 1 + random.below(50);
    const all = bytes(count * rowBytes);
    // Most rounds hold all that is asked for.
    const states = Uint8Array.from({ length: count }, () =>
      random.below(100) < 95 ? RowState.full : random.below(3),
    );
    const rows = Uint32Array.from({ length: random.below(40) }, () => random.below(count));
    const wanted = expected(all, states, rows, rowBytes);
    const perSegment = [count, 1 + random.below(count)];
    for (const rowsPerSegment of perSegment) {
      const segments = Array.from({ length: Math.ceil(count / rowsPerSegment) }, (_, i) =>
        all.subarray(i * rowsPerSegment * rowBytes, (i + 1) * rowsPerSegment * rowBytes),
      );
      const cache: MemoryCache = { kind: 'memory', rowBytes, states, limit: count, segments, rowsPerSegment };
      const target = new Uint8Array(new SharedArrayBuffer(rows.length * rowBytes)).fill(7);
      const copied = new MemoryStore(cache).read(rows, target);
      if (copied !== wanted.copied || !Buffer.from(wanted.target).equals(target))
        faults.push(`round ${round}, ${segments.length} segments: ${copied} of ${wanted.copied}`);
    }
  }
  t.same(faults, []);
});

const { copyRows } = imageAddon();

t.test(
  'calls that make no sense copy nothing',
  { skip: !copyRows && 'the image addon was not built' },
  async t => {
    const source = bytes(100);
    const target = new Uint8Array(30);
    const rows = Uint32Array.of(1, 9, 10);
    const full = new Uint8Array(10).fill(RowState.full);
    t.equal(copyRows?.(source, undefined, 0, rows, 10, target), 2, 'a row that is not there');
    t.equal(
      copyRows?.(source, full.subarray(0, 5), RowState.full, rows, 10, target),
      1,
      'one without a state',
    );
    t.equal(copyRows?.(source, undefined, 0, rows, 10, target.subarray(0, 19)), 1, 'room for one');
    t.equal(copyRows?.(source, undefined, 0, rows, 0, target), 0, 'rows of nothing');
    t.equal(copyRows?.(source, undefined, 0, Uint32Array.of(2 ** 32 - 1), 10, target), 0, 'a row far away');
    const words = new Uint32Array(8) as unknown as Uint8Array;
    t.equal(copyRows?.(words, undefined, 0, rows, 1, target), 0, 'other types');
  },
);
