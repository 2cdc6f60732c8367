/** Arithmetic on logits, float32 [samples, classes]. */

/** Share of the rows whose highest score is the label's. */
export function accuracyOf(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  const right = labels.filter((label, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row)) === label;
  });
  return right.length / labels.length;
}

/** Element by element; all of one length. */
export function meanOf(all: readonly Float32Array[]): Float32Array {
  return all[0].map((_, i) => all.reduce((sum, logits) => sum + logits[i], 0) / all.length);
}
