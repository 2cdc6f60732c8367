import { Purpose, Random } from '../../src/random.js';

/** The values replica `rank` brings to round `round`: of mixed magnitude, so that the order of additions shows. */
export function contribution(rank: number, round: number, length: number): Float32Array {
  const random = new Random({ seed: 7, purpose: Purpose.split, epoch: round, index: rank });
  const block = Float32Array.from({ length: Math.min(length, 8191) }, () => {
    return (random.float() - 0.5) * 10 ** random.below(6);
  });
  const values = new Float32Array(length);
  for (let at = 0; at < length; at += block.length) values.set(block.subarray(0, length - at), at);
  return values;
}

/** The sum by the definition in ring.ts: chunk c in the order c, c+1, …, in float32. */
export function fixedOrderSum(parts: readonly Float32Array[]): Float32Array {
  const n = parts.length;
  const { length } = parts[0];
  const sum = new Float32Array(length);
  for (let chunk = 0; chunk < n; chunk++) {
    const end = Math.floor(((chunk + 1) * length) / n);
    for (let i = Math.floor((chunk * length) / n); i < end; i++) {
      let value = parts[chunk][i];
      // `mine += left` on replica c+k: its own value is the left operand.
      for (let k = 1; k < n; k++) value = Math.fround(parts[(chunk + k) % n][i] + value);
      sum[i] = value;
    }
  }
  return sum;
}
