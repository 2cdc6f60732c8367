import t from 'tap';
import { Accuracy, TopK } from '../../src/learner/metric.js';
import { Random } from '../../src/random.js';
import { predictionsOf } from './fake-runner.js';

t.test('accuracy counts samples, not batches', t => {
  // The lessons' example: batches of 6 and 5 in which 2 and 3 are right have means .333 and .6.
  const accuracy = new Accuracy();
  t.ok(Number.isNaN(accuracy.compute()), 'of nothing: NaN');
  const right = [0, 1];
  const wrong = [1, 0];
  accuracy.update(
    predictionsOf([right, right, wrong, wrong, wrong, wrong]),
    Int32Array.from({ length: 6 }, () => 1),
  );
  accuracy.update(
    predictionsOf([right, right, right, wrong, wrong]),
    Int32Array.from({ length: 5 }, () => 1),
  );
  t.equal(accuracy.compute(), 5 / 11);
  accuracy.reset();
  t.ok(Number.isNaN(accuracy.compute()));
  t.end();
});

t.test('accuracy takes class indices too, and the first of equals', t => {
  const accuracy = new Accuracy();
  accuracy.update({ data: Float32Array.of(3, 1, 2), shape: [3] }, Int32Array.of(3, 1, 1));
  t.equal(accuracy.compute(), 2 / 3);
  accuracy.reset();
  accuracy.update(predictionsOf([[1, 1]]), Int32Array.of(1));
  t.equal(accuracy.compute(), 0);
  t.end();
});

t.test('top-k against sorting, and in parts against the whole', t => {
  const random = new Random({ seed: 1, purpose: 1 });
  const rows = Array.from({ length: 50 }, () => Array.from({ length: 7 }, () => random.below(5)));
  const targets = rows.map(() => random.below(7));
  for (const k of [1, 2, 3, 7, 9]) {
    const sorted = rows.map(row => [...row.keys()].sort((a, b) => row[b] - row[a] || a - b).slice(0, k));
    const expected = sorted.filter((top, i) => top.includes(targets[i])).length / 50;
    const whole = new TopK(k);
    whole.update(predictionsOf(rows), Int32Array.from(targets));
    t.equal(whole.compute(), expected);
    const [a, b] = [new TopK(k), new TopK(k)];
    a.update(predictionsOf(rows.slice(0, 13)), Int32Array.from(targets.slice(0, 13)));
    b.update(predictionsOf(rows.slice(13)), Int32Array.from(targets.slice(13)));
    a.merge(b);
    t.equal(a.compute(), expected);
  }
  const accuracy = new Accuracy();
  accuracy.update(predictionsOf(rows), Int32Array.from(targets));
  const top1 = new TopK(1);
  top1.update(predictionsOf(rows), Int32Array.from(targets));
  t.equal(top1.compute(), accuracy.compute());
  t.end();
});

t.test('shapes that do not fit, and a k that is none', t => {
  const bad = [
    { data: new Float32Array(4), shape: [2, 2] },
    { data: new Float32Array(3), shape: [3, 1] },
    { data: new Float32Array(12), shape: [3, 2, 2] },
  ];
  for (const preds of bad)
    for (const metric of [new Accuracy(), new TopK(2)])
      t.throws(() => metric.update(preds, new Int32Array(3)), {
        code: 'E_CALLBACK',
        message: /\[3, classes\]/,
      });
  t.throws(() => new TopK(2).update({ data: new Float32Array(3), shape: [3] }, new Int32Array(3)));
  t.throws(() => new TopK(0), { code: 'E_CONFIG' });
  t.end();
});
