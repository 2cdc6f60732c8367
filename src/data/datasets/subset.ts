import type { ImageShape } from '../../protocol/batch.js';
import { Purpose, Random } from '../../random.js';
import { checkRow, type Dataset, type DatasetPair, type Sample, sharedLabels } from '../dataset.js';
import type { SampleContext } from '../samples/sample-context.js';
import type { SampleSource } from '../samples/sample-source.js';
import { IndexedDataset } from './indexed-dataset.js';

/** Some rows of a dataset, in the order given; its errors still name the file and row of the whole. */
export class Subset extends IndexedDataset {
  readonly labels: Int32Array;
  readonly source?: SampleSource;
  readonly getBatch?: Dataset['getBatch'];
  readonly #dataset: Dataset;
  readonly #rows: Uint32Array;

  /** @throws RangeError where a row is not in `dataset` */
  constructor(dataset: Dataset, rows: ArrayLike<number>) {
    super();
    for (let i = 0; i < rows.length; i++) checkRow(rows[i], dataset.length);
    this.#dataset = dataset;
    this.#rows = shared(Uint32Array.from(rows));
    this.labels = sharedLabels(Int32Array.from(rows, row => dataset.labels[row]));
    if (dataset.getBatch !== undefined)
      this.getBatch = (indices, contexts) => this.#getBatch(indices, contexts);
    const { source } = dataset;
    if (source !== undefined) {
      const rowsOfStorage = source.rows;
      const composed =
        rowsOfStorage === undefined ? this.#rows : shared(this.#rows.map(row => rowsOfStorage[row]));
      this.source = { ...source, labels: this.labels, rows: composed };
    }
  }

  get length(): number {
    return this.#rows.length;
  }

  get classes(): readonly string[] {
    return this.#dataset.classes;
  }

  get imageShape(): ImageShape {
    return this.#dataset.imageShape;
  }

  async get(index: number, context?: SampleContext): Promise<Sample> {
    checkRow(index, this.length);
    return { ...(await this.#dataset.get(this.#rows[index], context)), index };
  }

  describe(index: number): string {
    return this.#dataset.describe(this.#rows[index]);
  }

  async #getBatch(
    indices: readonly number[],
    contexts?: readonly SampleContext[],
  ): Promise<readonly Sample[]> {
    const rows = indices.map(index => this.#rows[index]);
    const samples = await this.#dataset.getBatch?.(rows, contexts);
    return (samples ?? []).map((sample, i) => ({ ...sample, index: indices[i] }));
  }
}

/**
 * Splits a dataset in two, class by class: of each class the fraction `validSplit`, rounded, goes to `valid`,
 * but at least one and never all where a class has two samples or more. The choice depends on `seed` alone;
 * both parts keep the order of the dataset.
 */
export function stratifiedSplit(dataset: Dataset, validSplit: number, seed: number): DatasetPair {
  const byClass: number[][] = dataset.classes.map(() => []);
  for (const [row, label] of dataset.labels.entries()) byClass[label].push(row);
  const train: number[] = [];
  const valid: number[] = [];
  for (const [label, rows] of byClass.entries()) {
    new Random({ seed, purpose: Purpose.split, index: label }).shuffle(rows);
    const most = Math.max(rows.length - 1, 0);
    const count = Math.min(Math.max(Math.round(rows.length * validSplit), 1), most);
    for (const row of rows.slice(0, count)) valid.push(row);
    for (const row of rows.slice(count)) train.push(row);
  }
  const ascending = (a: number, b: number): number => a - b;
  return {
    train: new Subset(dataset, train.sort(ascending)),
    valid: new Subset(dataset, valid.sort(ascending)),
  };
}

function shared(rows: Uint32Array): Uint32Array {
  const target = new Uint32Array(new SharedArrayBuffer(rows.byteLength));
  target.set(rows);
  return target;
}
