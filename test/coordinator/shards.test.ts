import t from 'tap';
import { shardBounds } from '../../src/coordinator/shards.js';

t.test('every sample belongs to exactly one replica, and shares differ by one at most', async t => {
  for (let size = 0; size <= 50; size++) {
    for (let replicas = 1; replicas <= 8; replicas++) {
      const shards = shardBounds(size, replicas);
      const rows = shards.flatMap(({ offset, count }) => Array.from({ length: count }, (_, i) => offset + i));
      t.strictSame(
        rows,
        Array.from({ length: size }, (_, i) => i),
        `${size} over ${replicas}`,
      );
      const counts = shards.map(({ count }) => count);
      t.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }
  }
});
