import { CallbackError } from '../../errors.js';
import { type HeatMap, heatMap } from '../../plot/chart.js';
import type { Predictions } from '../../protocol/step-runner.js';
import { Metric } from '../metric.js';
import { predictedClasses } from './predicted-classes.js';

/** What the counts are divided by: those of each true class, of each predicted class, or all of them. */
export type Normalize = 'true' | 'pred' | 'all';

/**
 * How often each class was taken for which: row = true class, column = predicted class, as scikit-learn's
 * `confusion_matrix`. In a row of numbers it is the one number that it has: the share on the diagonal, which is the
 * accuracy. `matrix()` has the rest, of the phase that was measured last.
 */
export class ConfusionMatrix extends Metric {
  readonly #names: readonly string[];
  /** Row-major, [size, size]; grows with the classes that are met. */
  #counts = new Float64Array(0);
  #size = 0;

  /** @param classNames in the order of the class indices, for `text` and `chart` */
  constructor(classNames: readonly string[] = []) {
    super();
    this.#names = classNames;
    this.reset();
  }

  /** Classes: those named, and at least those met. */
  get classes(): number {
    return this.#size;
  }

  /** Name of a class; its number where it was given none. */
  className(index: number): string {
    return this.#names[index] ?? String(index);
  }

  override reset(): void {
    this.#size = this.#names.length;
    this.#counts = new Float64Array(this.#size ** 2);
  }

  /** @throws CallbackError if the shapes do not fit, or a target is no class index */
  override update(preds: Predictions, targets: Int32Array): void {
    const predicted = predictedClasses(preds, targets, this.constructor.name);
    const negative = targets.find(target => target < 0);
    if (negative !== undefined)
      throw new CallbackError(`${negative} is no class index.`, { where: `${this.constructor.name}.update` });
    const columns = preds.shape.length === 2 ? preds.shape[1] : 0;
    this.#grow(targets.reduce((most, target, i) => Math.max(most, target + 1, predicted[i] + 1), columns));
    targets.forEach((target, i) => {
      this.#counts[target * this.#size + predicted[i]]++;
    });
  }

  /** Share of the samples on the diagonal; NaN of nothing. */
  override compute(): number {
    let [right, all] = [0, 0];
    this.#counts.forEach((count, i) => {
      all += count;
      if (i % (this.#size + 1) === 0) right += count;
    });
    return right / all;
  }

  override merge(other: this): void {
    this.#grow(other.#size);
    for (let row = 0; row < other.#size; row++)
      for (let column = 0; column < other.#size; column++)
        this.#counts[row * this.#size + column] += other.#counts[row * other.#size + column];
  }

  /**
   * Samples of true class [row] predicted as class [column]; with `normalize` as shares, 0 where there is nothing
   * to divide by.
   */
  matrix(normalize?: Normalize): number[][] {
    const counts = Array.from({ length: this.#size }, (_, row) =>
      Array.from(this.#counts.subarray(row * this.#size, (row + 1) * this.#size)),
    );
    if (!normalize) return counts;
    const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
    const rows = counts.map(total);
    const columns = counts.map((_, column) => total(counts.map(row => row[column])));
    const divisor = {
      true: (row: number) => rows[row],
      pred: (_: number, column: number) => columns[column],
    };
    const of = normalize === 'all' ? () => total(rows) : divisor[normalize];
    return counts.map((row, i) => row.map((count, j) => (of(i, j) === 0 ? 0 : count / of(i, j))));
  }

  /** The counts as a table, one line per true class. */
  text(): string {
    const counts = this.matrix();
    const names = counts.map((_, index) => this.className(index));
    const head = 'true \\ predicted';
    const first = Math.max(head.length, ...names.map(name => name.length));
    const widths = names.map((name, column) =>
      Math.max(name.length, ...counts.map(row => String(row[column]).length)),
    );
    const line = (name: string, cells: readonly (string | number)[]): string =>
      [name.padEnd(first), ...cells.map((cell, column) => String(cell).padStart(widths[column]))].join('  ');
    return [line(head, names), ...counts.map((row, index) => line(names[index], row))].join('\n');
  }

  /**
   * The matrix as a picture's data: counts, or shares in per cent, written in their cells. The colour is logarithmic,
   * since the mistakes are few beside the diagonal, and are what one looks for.
   *
   * @throws ConfigError if there are no classes yet
   */
  chart({ normalize, title = 'Confusion matrix' }: { normalize?: Normalize; title?: string } = {}): HeatMap {
    const matrix = this.matrix(normalize);
    const names = matrix.map((_, index) => this.className(index));
    return heatMap({
      title,
      x: { label: 'predicted class', names },
      y: { label: 'true class', names },
      color: normalize
        ? { label: 'share', unit: '%', range: [0, 100], log: true }
        : { label: 'samples', log: true },
      values: normalize ? matrix.map(row => row.map(share => Math.round(share * 1000) / 10)) : matrix,
      showValues: true,
    });
  }

  #grow(size: number): void {
    if (size <= this.#size) return;
    const counts = new Float64Array(size ** 2);
    for (let row = 0; row < this.#size; row++)
      counts.set(this.#counts.subarray(row * this.#size, (row + 1) * this.#size), row * size);
    this.#counts = counts;
    this.#size = size;
  }
}
