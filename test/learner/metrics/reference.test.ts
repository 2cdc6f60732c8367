/** Metrics against scikit-learn and torcheval (reference/metrics.py), in one piece and in parts merged in any way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Accuracy, type Metric, TopK } from '../../../src/learner/metric.js';
import { type Average, F1, Precision, Recall } from '../../../src/learner/metrics/class-scores.js';
import { ConfusionMatrix, type Normalize } from '../../../src/learner/metrics/confusion-matrix.js';
import { Mean } from '../../../src/learner/metrics/mean.js';
import { MeanSquaredError } from '../../../src/learner/metrics/mean-squared-error.js';
import { packageRoot } from '../../../src/package-root.js';
import { predictionsOf } from '../fake-runner.js';

type Matrix = number[][];
interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
interface Case {
  readonly name: string;
  readonly classes: number;
  readonly scores: Matrix;
  readonly targets: number[];
  readonly accuracy: number;
  readonly top2: number;
  readonly confusion: Matrix;
  readonly confusion_true: Matrix;
  readonly confusion_pred: Matrix;
  readonly confusion_all: Matrix;
  readonly values: readonly (Scores & { readonly average: Average; readonly zeroDivision: 0 | 1 })[];
  readonly perClass: { readonly [score in keyof Scores]: number[] };
}
interface Reference {
  readonly classification: readonly Case[];
  readonly squaredError: {
    readonly predictions: number[];
    readonly targets: number[];
    readonly value: number;
    readonly inputs: number[];
    readonly outputs: number[];
    readonly shape: number[];
    readonly inputsValue: number;
  };
  readonly mean: { readonly values: number[]; readonly weights: number[]; readonly value: number };
}

const reference: Reference = JSON.parse(
  readFileSync(join(packageRoot(), 'test/learner/reference/metrics.json'), 'utf8'),
);
const classScores = { precision: Precision, recall: Recall, f1: F1 };

const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-12;
const allClose = (a: Matrix, b: Matrix): boolean =>
  a.length === b.length && a.every((row, i) => row.every((value, j) => close(value, b[i][j])));

/** Takes in samples `from` … `to` − 1, as batches of the given size. */
function feed<M extends Metric>(
  metric: M,
  { scores, targets }: Case,
  from = 0,
  to = targets.length,
  size = 7,
): M {
  for (let start = from; start < to; start += size) {
    const end = Math.min(to, start + size);
    metric.update(predictionsOf(scores.slice(start, end)), Int32Array.from(targets.slice(start, end)));
  }
  return metric;
}

/** The value of the whole, once it is seen to be that of parts merged in another order, too. */
function whole(t: Test, make: () => Metric, given: Case): number {
  const value = feed(make(), given).compute();
  const n = given.targets.length;
  const [a, b, c, empty] = [make(), make(), make(), make()];
  feed(a, given, 0, 2, 1);
  feed(b, given, 2, n - 3, 11);
  feed(c, given, n - 3, n);
  c.merge(empty);
  c.merge(a);
  empty.merge(b);
  empty.merge(c);
  // Sums of whole numbers: exactly the same, in whatever order.
  t.equal(empty.compute(), value, `${given.name}: parts merged`);
  empty.reset();
  t.ok(Number.isNaN(empty.compute()), 'of nothing: NaN');
  return value;
}

for (const given of reference.classification)
  t.test(given.name, async t => {
    t.ok(
      close(
        whole(t, () => new Accuracy(), given),
        given.accuracy,
      ),
    );
    t.ok(Math.abs(whole(t, () => new TopK(2), given) - given.top2) < 1e-7, 'torcheval has float32');
    t.ok(
      close(
        whole(t, () => new ConfusionMatrix(), given),
        given.accuracy,
      ),
      'the diagonal is the accuracy',
    );
    for (const { average, zeroDivision, ...expected } of given.values)
      for (const [name, Score] of Object.entries(classScores)) {
        const value = whole(t, () => new Score({ average, zeroDivision }), given);
        t.ok(
          close(value, expected[name as keyof Scores]),
          `${average} ${name}, 0/0 = ${zeroDivision}: ${value}`,
        );
      }
    for (const [name, Score] of Object.entries(classScores))
      t.ok(
        allClose([feed(new Score(), given).perClass()], [given.perClass[name as keyof Scores]]),
        `${name} by class`,
      );
    const matrix = feed(new ConfusionMatrix(), given);
    t.same(matrix.matrix(), given.confusion);
    for (const normalize of ['true', 'pred', 'all'] satisfies Normalize[])
      t.ok(allClose(matrix.matrix(normalize), given[`confusion_${normalize}`]), `by ${normalize}`);
  });

t.test('class indices as predictions come to the same, in a matrix that grows', async t => {
  const given = reference.classification[0];
  const classes = given.scores.map(row => row.indexOf(Math.max(...row)));
  const [matrix, recall] = [new ConfusionMatrix(), new Recall({ average: 'weighted' })];
  const sizes: number[] = [];
  // By falling class, so that the matrix grows at the start only; then by rising one, so that it grows as it goes.
  for (const order of [-1, 1]) {
    for (const metric of [matrix, recall]) metric.reset();
    const rows = classes.map((predicted, i) => [predicted, given.targets[i]]);
    for (const [predicted, target] of rows.sort((a, b) => order * (Math.max(...a) - Math.max(...b)))) {
      for (const metric of [matrix, recall])
        metric.update({ data: Float32Array.of(predicted), shape: [1] }, Int32Array.of(target));
      if (matrix.classes !== sizes.at(-1)) sizes.push(matrix.classes);
    }
    t.same(matrix.matrix(), given.confusion);
    t.ok(close(recall.compute(), given.accuracy), 'weighted recall is the accuracy');
  }
  t.same(sizes, [4, 1, 2, 3, 4]);
});

t.test('squared error against numbers and against inputs', async t => {
  const { predictions, targets, value, inputs, outputs, shape, inputsValue } = reference.squaredError;
  const numbers = new MeanSquaredError();
  const part = new MeanSquaredError();
  part.update(
    { data: Float32Array.from(predictions.slice(20)), shape: [11] },
    Int32Array.from(targets.slice(20)),
  );
  numbers.update(
    { data: Float32Array.from(predictions.slice(0, 20)), shape: [20, 1] },
    Int32Array.from(targets.slice(0, 20)),
  );
  numbers.merge(part);
  // The reference was computed of the same float32 values, in another order and in float64.
  t.ok(Math.abs(numbers.compute() - value) < 1e-12 * value, `${numbers.compute()}`);
  const images = new MeanSquaredError({ against: 'inputs' });
  const target = new Int32Array(shape[0]);
  images.update({ data: Float32Array.from(outputs), shape }, target, {
    data: Float32Array.from(inputs),
    shape,
  });
  t.ok(Math.abs(images.compute() - inputsValue) < 1e-12, `${images.compute()}`);
  t.throws(() => images.update({ data: new Float32Array(2), shape: [2] }, target), { code: 'E_CALLBACK' });
  t.throws(() => numbers.update({ data: new Float32Array(14), shape: [7, 2] }, target), {
    code: 'E_CALLBACK',
    message: /predictions \[7, 2\] with targets \[7\]/,
    hint: /against: inputs/,
  });
});

t.test("the lessons' hand-made metric", async t => {
  const { values, weights, value } = reference.mean;
  const mean = new Mean();
  t.ok(Number.isNaN(mean.value));
  values.forEach((one, i) => {
    mean.add(one, undefined, weights[i]);
  });
  t.ok(close(mean.value, value));
  t.equal(mean.value.toFixed(2), '0.62');
  mean.reset();
  for (const one of values) mean.add(one);
  t.ok(close(mean.value, 0.75), 'a number weighs 1');

  class HandMadeAccuracy extends Mean {
    override calc(
      { data, shape: [size, width] }: { data: Float32Array; shape: number[] },
      targets: Int32Array,
    ) {
      const rows = Array.from({ length: size }, (_, i) => data.subarray(i * width, (i + 1) * width));
      return rows.filter((row, i) => row.indexOf(Math.max(...row)) === targets[i]).length / size;
    }
  }
  const given = reference.classification[0];
  t.ok(
    close(feed(new HandMadeAccuracy(), given).compute(), given.accuracy),
    'batches weigh by their samples',
  );
  const parts = feed(new HandMadeAccuracy(), given, 0, 20);
  parts.merge(feed(new HandMadeAccuracy(), given, 20));
  t.ok(close(parts.compute(), given.accuracy));
  const outputs = new Mean();
  outputs.update(
    predictionsOf([
      [1, 2],
      [3, 6],
    ]),
    new Int32Array(2),
  );
  t.equal(outputs.value, 3);
});

t.test('the matrix as text and as a chart', async t => {
  const matrix = new ConfusionMatrix(['shirt', 'boot', 'bag']);
  matrix.update({ data: Float32Array.of(0, 0, 1, 1, 0), shape: [5] }, Int32Array.of(0, 0, 1, 0, 1));
  t.equal(
    matrix.text(),
    [
      'true \\ predicted  shirt  boot  bag',
      'shirt                 2     1    0',
      'boot                  1     1    0',
      'bag                   0     0    0',
    ].join('\n'),
  );
  const chart = matrix.chart({ normalize: 'true' });
  t.same(chart.values[2], [0, 0, 0], 'a class without samples has no shares');
  t.same(chart.y.names, ['shirt', 'boot', 'bag']);
  t.same(chart.values[0], [66.7, 33.3, 0], 'per cent, to a tenth');
});

t.test('what cannot be', async t => {
  t.throws(() => new F1({ average: 'none' as Average }), { code: 'E_CONFIG', where: 'F1 average' });
  t.throws(() => new Recall({ positive: -1 }), { code: 'E_CONFIG' });
  const matrix = new ConfusionMatrix();
  const refused = (preds: number[], shape: number[], targets: number[]) =>
    t.throws(() => matrix.update({ data: Float32Array.from(preds), shape }, Int32Array.from(targets)), {
      code: 'E_CALLBACK',
    });
  refused([0.5], [1], [0]);
  refused([1, 0], [2, 1], [0, 1]);
  refused([1, 0], [2], [0, 1, 1]);
  refused([1, 0], [2], [0, -1]);
  refused([1, 0, 1, 0], [1, 2, 2], [0]);
});
