/**
 * Undoes the filters of PNG rows.
 *
 * Source: PNG specification, third edition, section 9.
 */

/** Filter types of the specification; there are no others. */
const [NONE, SUB, UP, AVERAGE, PAETH] = [0, 1, 2, 3, 4];

/** Whether every row names a filter that exists. */
export function filtersExist(filtered: Uint8Array, rowBytes: number): boolean {
  for (let at = 0; at < filtered.length; at += rowBytes + 1) if (filtered[at] > PAETH) return false;
  return true;
}

/** A row above the first: zeros, as many as were ever needed. */
let noRow = new Uint8Array(4096);

/**
 * Writes the rows of `filtered` (each a filter type and `rowBytes` bytes) into `target` one after the other, from
 * its byte 0.
 *
 * @param samples bytes of a pixel, 1 … 4
 * @param filtered whole rows whose filters exist
 */
export function unfilter(filtered: Uint8Array, rowBytes: number, samples: number, target: Uint8Array): void {
  if (noRow.length < rowBytes) noRow = new Uint8Array(rowBytes);
  let above: Uint8Array = noRow;
  let up = 0;
  for (let from = 0, to = 0; from < filtered.length; from += rowBytes + 1, to += rowBytes) {
    const filter = filtered[from];
    const first = from + 1;
    if (filter === NONE) copy(filtered, first, target, to, rowBytes);
    else if (filter === SUB) sub(filtered, first, samples, target, to, rowBytes);
    else if (filter === UP) addAbove(filtered, first, above, up, target, to, rowBytes);
    else if (filter === AVERAGE) average(filtered, first, above, up, samples, target, to, rowBytes);
    else if (samples === 3) paeth3(filtered, first, above, up, target, to, rowBytes);
    else paeth(filtered, first, above, up, samples, target, to, rowBytes);
    above = target;
    up = to;
  }
}

function copy(from: Uint8Array, at: number, target: Uint8Array, to: number, count: number): void {
  for (let i = 0; i < count; i++) target[to + i] = from[at + i];
}

function sub(
  from: Uint8Array,
  at: number,
  samples: number,
  target: Uint8Array,
  to: number,
  count: number,
): void {
  for (let channel = 0; channel < samples; channel++) {
    let left = 0;
    for (let i = channel; i < count; i += samples) {
      left = (from[at + i] + left) & 255;
      target[to + i] = left;
    }
  }
}

function addAbove(
  from: Uint8Array,
  at: number,
  above: Uint8Array,
  up: number,
  target: Uint8Array,
  to: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) target[to + i] = from[at + i] + above[up + i];
}

function average(
  from: Uint8Array,
  at: number,
  above: Uint8Array,
  up: number,
  samples: number,
  target: Uint8Array,
  to: number,
  count: number,
): void {
  for (let channel = 0; channel < samples; channel++) {
    let left = 0;
    for (let i = channel; i < count; i += samples) {
      left = (from[at + i] + ((left + above[up + i]) >> 1)) & 255;
      target[to + i] = left;
    }
  }
}

/** Channel by channel, so that the neighbours stay in registers. */
function paeth(
  from: Uint8Array,
  at: number,
  above: Uint8Array,
  up: number,
  samples: number,
  target: Uint8Array,
  to: number,
  count: number,
): void {
  for (let channel = 0; channel < samples; channel++) {
    let left = 0;
    let corner = 0;
    for (let i = channel; i < count; i += samples) {
      const top = above[up + i];
      left = (from[at + i] + predict(left, top, corner)) & 255;
      target[to + i] = left;
      corner = top;
    }
  }
}

/** All three channels of a pixel together: their chains of dependent operations overlap in the processor. */
function paeth3(
  from: Uint8Array,
  at: number,
  above: Uint8Array,
  up: number,
  target: Uint8Array,
  to: number,
  count: number,
): void {
  let [left0, left1, left2, corner0, corner1, corner2] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < count; i += 3) {
    const top0 = above[up + i];
    const top1 = above[up + i + 1];
    const top2 = above[up + i + 2];
    left0 = (from[at + i] + predict(left0, top0, corner0)) & 255;
    left1 = (from[at + i + 1] + predict(left1, top1, corner1)) & 255;
    left2 = (from[at + i + 2] + predict(left2, top2, corner2)) & 255;
    target[to + i] = left0;
    target[to + i + 1] = left1;
    target[to + i + 2] = left2;
    corner0 = top0;
    corner1 = top1;
    corner2 = top2;
  }
}

/**
 * Which of left, top and corner is nearest to left + top − corner; of equals the first. Without a branch, because in
 * photographs the processor guesses wrong at every other byte: 5 times as fast as with them.
 */
function predict(left: number, top: number, corner: number): number {
  // Distances of left, top and corner from the estimate, without their signs.
  let toLeft = (top - corner) | 0;
  let toTop = (left - corner) | 0;
  let toCorner = (toLeft + toTop) | 0;
  let sign = toLeft >> 31;
  toLeft = ((toLeft ^ sign) - sign) | 0;
  sign = toTop >> 31;
  toTop = ((toTop ^ sign) - sign) | 0;
  sign = toCorner >> 31;
  toCorner = ((toCorner ^ sign) - sign) | 0;
  // All ones where another one is nearer.
  const notLeft = ((toTop - toLeft) | 0 | ((toCorner - toLeft) | 0)) >> 31;
  const notTop = ((toCorner - toTop) | 0) >> 31;
  return (left & ~notLeft) | (notLeft & ((top & ~notTop) | (corner & notTop)));
}
