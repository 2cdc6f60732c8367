/**
 * Standard normal noise at the price of a copy: windows of one table of 2¹⁶ draws, each from a place of its own.
 * Drawing every pixel of a large batch anew would take longer than the training step of a small model.
 */
import { Purpose, Random } from '../random.js';

const TABLE = 2 ** 16;
let table: Float32Array | undefined;

/** The table, followed by its beginning, so that any window of up to its length is contiguous. */
function makeTable(): Float32Array {
  const random = new Random({ seed: 0, purpose: Purpose.noise });
  const values = new Float32Array(2 * TABLE);
  for (let i = 0; i < TABLE; i += 2) values.set(random.normals(), i);
  values.copyWithin(TABLE, 0, TABLE);
  return values;
}

/** Fills `target` with standard normal values; one draw from `random` for every 2¹⁶ of them. */
export function fillNormal(target: Float32Array, random: Random): void {
  table ??= makeTable();
  for (let at = 0; at < target.length; at += TABLE) {
    const from = random.below(TABLE);
    const length = Math.min(TABLE, target.length - at);
    target.set(table.subarray(from, from + length), at);
  }
}
