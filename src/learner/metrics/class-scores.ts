/** Precision, recall and F1: what can be said of each class from a confusion matrix, and their averages. */
import { ConfigError } from '../../errors.js';
import type { Predictions } from '../../protocol/step-runner.js';
import { Metric } from '../metric.js';
import { ConfusionMatrix } from './confusion-matrix.js';

/**
 * How the classes' scores become one:
 * - `binary`: the score of the class `positive`, all others together being the negative ones;
 * - `micro`: from the counts of all classes together; where each sample has one class this is the accuracy;
 * - `macro`: the mean over the classes;
 * - `weighted`: that mean weighted by how many samples truly are of the class.
 */
export type Average = 'binary' | 'micro' | 'macro' | 'weighted';

export interface ClassScoreOptions {
  /** Default `macro`. */
  readonly average?: Average;
  /** The class that `binary` is about. Default 1. */
  readonly positive?: number;
  /**
   * The score where it would be 0/0: precision of a class never predicted, recall of one that has no sample, F1 of
   * one that has neither. 0 or 1. Default 0.
   */
  readonly zeroDivision?: 0 | 1;
}

/** Of one class against the rest. */
interface ClassCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

const averages: readonly Average[] = ['binary', 'micro', 'macro', 'weighted'];

/**
 * Base of the three. Like scikit-learn and torcheval, `macro` and `weighted` leave out classes that occur neither
 * as a target nor as a prediction; of no samples at all every average is NaN.
 */
abstract class ClassScore extends Metric {
  readonly #matrix = new ConfusionMatrix();
  readonly #average: Average;
  readonly #positive: number;
  readonly #zeroDivision: number;

  /** @throws ConfigError */
  constructor({ average = 'macro', positive = 1, zeroDivision = 0 }: ClassScoreOptions = {}) {
    super();
    const demand = (holds: boolean, name: string, expected: string, got: unknown): void => {
      if (holds) return;
      throw new ConfigError(`${name} must be ${expected}, not ${String(got)}.`, {
        where: `${this.constructor.name} ${name}`,
      });
    };
    demand(averages.includes(average), 'average', averages.join(', '), average);
    demand(Number.isInteger(positive) && positive >= 0, 'positive', 'a class index', positive);
    demand(zeroDivision === 0 || zeroDivision === 1, 'zeroDivision', '0 or 1', zeroDivision);
    this.#average = average;
    this.#positive = positive;
    this.#zeroDivision = zeroDivision;
  }

  /** Numerator and denominator of the score. */
  protected abstract fraction(counts: ClassCounts): readonly [number, number];

  override reset(): void {
    this.#matrix.reset();
  }

  /** @throws CallbackError if the shapes do not fit */
  override update(preds: Predictions, targets: Int32Array): void {
    this.#matrix.update(preds, targets);
  }

  override merge(other: this): void {
    this.#matrix.merge(other.#matrix);
  }

  /** The score of each class; that of a class which never occurs is `zeroDivision`. */
  perClass(): number[] {
    return this.#counts().map(counts => this.#score(counts));
  }

  override compute(): number {
    const counts = this.#counts();
    const weights = counts.map(({ truePositives, falseNegatives }) => truePositives + falseNegatives);
    const samples = sum(weights);
    if (samples === 0) return Number.NaN;
    if (this.#average === 'binary') return this.#score(counts[this.#positive] ?? none);
    if (this.#average === 'micro') return this.#score(together(counts));
    if (this.#average === 'weighted')
      return sum(counts.map((one, index) => (this.#score(one) * weights[index]) / samples));
    const seen = counts.filter((one, index) => weights[index] + one.falsePositives > 0);
    return sum(seen.map(one => this.#score(one))) / seen.length;
  }

  #score(counts: ClassCounts): number {
    const [numerator, denominator] = this.fraction(counts);
    return denominator === 0 ? this.#zeroDivision : numerator / denominator;
  }

  #counts(): ClassCounts[] {
    const matrix = this.#matrix.matrix();
    return matrix.map((row, index) => ({
      truePositives: row[index],
      falsePositives: sum(matrix.map(other => other[index])) - row[index],
      falseNegatives: sum(row) - row[index],
    }));
  }
}

const none: ClassCounts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const together = (counts: readonly ClassCounts[]): ClassCounts => ({
  truePositives: sum(counts.map(one => one.truePositives)),
  falsePositives: sum(counts.map(one => one.falsePositives)),
  falseNegatives: sum(counts.map(one => one.falseNegatives)),
});

/** Of the samples predicted as a class, the share that are of it: TP / (TP + FP). */
export class Precision extends ClassScore {
  protected override fraction({ truePositives, falsePositives }: ClassCounts) {
    return [truePositives, truePositives + falsePositives] as const;
  }
}

/** Of the samples of a class, the share that were predicted as it: TP / (TP + FN). */
export class Recall extends ClassScore {
  protected override fraction({ truePositives, falseNegatives }: ClassCounts) {
    return [truePositives, truePositives + falseNegatives] as const;
  }
}

/** Harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN). Averaged over classes, not made of averages. */
export class F1 extends ClassScore {
  protected override fraction({ truePositives, falsePositives, falseNegatives }: ClassCounts) {
    return [2 * truePositives, 2 * truePositives + falsePositives + falseNegatives] as const;
  }
}
