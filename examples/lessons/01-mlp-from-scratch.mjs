// Lesson 14: a multi-layer perceptron by hand, from the products of matrices to the loop, on plain arrays. Then the
// same model in gradring, on two replicas.
import assert from 'node:assert/strict';
import {
  Accuracy,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Learner,
  MetricsCB,
  models,
  normalize,
  openData,
  sgd,
  TrainCB,
} from 'gradring';

const data = await openData('sample');
const [inputs, hidden, classes] = [784, 50, 10];
const [mean, std] = [0.28, 0.35];

// --- Dataset, sampler, batches -------------------------------------------------------------------------------------

/** x: rows of 784 floats, y: class indices. `at` takes a list of rows, as a batch does. */
class Rows {
  constructor(x, y) {
    Object.assign(this, { x, y, length: y.length });
  }

  at(rows) {
    const x = new Float32Array(rows.length * inputs);
    for (const [i, row] of rows.entries())
      x.set(this.x.subarray(row * inputs, (row + 1) * inputs), i * inputs);
    return { x, y: rows.map(row => this.y[row]), size: rows.length };
  }
}

async function rowsOf(dataset, count) {
  const x = new Float32Array(count * inputs);
  for (let row = 0; row < count; row++) {
    const { pixels } = await dataset.get(row);
    for (let i = 0; i < inputs; i++) x[row * inputs + i] = (pixels[i] / 255 - mean) / std;
  }
  return new Rows(x, [...dataset.labels.slice(0, count)]);
}

/** Numbers of its own, so that the program comes to the same at every run (a linear congruence of Numerical Recipes). */
let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function* sampler(length, shuffle) {
  const rows = Array.from({ length }, (_, row) => row);
  for (let i = shuffle ? length - 1 : 0; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  yield* rows;
}

function* batchSampler(rows, batchSize) {
  let batch = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function* loader(dataset, batchSize, shuffle = false) {
  for (const rows of batchSampler(sampler(dataset.length, shuffle), batchSize)) yield dataset.at(rows);
}

// --- Layers: forward keeps what backward needs ---------------------------------------------------------------------

class Linear {
  constructor(from, to) {
    this.sizes = [from, to];
    this.weight = Float32Array.from({ length: from * to }, () => normal() * Math.sqrt(2 / from));
    this.bias = new Float32Array(to);
    this.gradients = { weight: new Float32Array(from * to), bias: new Float32Array(to) };
  }

  forward(x, size) {
    const [from, to] = this.sizes;
    this.input = x;
    const y = new Float32Array(size * to);
    for (let n = 0; n < size; n++) {
      y.set(this.bias, n * to);
      for (let i = 0; i < from; i++) {
        const value = x[n * from + i];
        for (let j = 0; j < to; j++) y[n * to + j] += value * this.weight[i * to + j];
      }
    }
    return y;
  }

  backward(dy, size) {
    const [from, to] = this.sizes;
    const dx = new Float32Array(size * from);
    const { weight, bias } = this.gradients;
    for (let n = 0; n < size; n++) {
      for (let j = 0; j < to; j++) bias[j] += dy[n * to + j];
      for (let i = 0; i < from; i++) {
        let sum = 0;
        for (let j = 0; j < to; j++) {
          weight[i * to + j] += this.input[n * from + i] * dy[n * to + j];
          sum += this.weight[i * to + j] * dy[n * to + j];
        }
        dx[n * from + i] = sum;
      }
    }
    return dx;
  }

  *parameters() {
    yield [this.weight, this.gradients.weight];
    yield [this.bias, this.gradients.bias];
  }
}

class Relu {
  forward(x) {
    this.output = x.map(value => Math.max(value, 0));
    return this.output;
  }

  backward(dy) {
    return dy.map((value, i) => (this.output[i] > 0 ? value : 0));
  }

  *parameters() {}
}

class Sequential {
  constructor(...layers) {
    this.layers = layers;
  }

  forward({ x, size }) {
    return this.layers.reduce((value, layer) => layer.forward(value, size), x);
  }

  backward(dy, size) {
    this.layers.reduceRight((value, layer) => layer.backward(value, size), dy);
  }

  *parameters() {
    for (const layer of this.layers) yield* layer.parameters();
  }
}

/** Mean cross-entropy, and its gradient for the logits: (softmax − target) / size. */
function crossEntropy(logits, { y, size }) {
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  for (let n = 0; n < size; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const highest = Math.max(...row);
    const total = row.reduce((sum, value) => sum + Math.exp(value - highest), 0);
    loss += (Math.log(total) + highest - row[y[n]]) / size;
    row.forEach((value, j) => {
      gradient[n * classes + j] = (Math.exp(value - highest) / total - (j === y[n] ? 1 : 0)) / size;
    });
  }
  return { loss, gradient };
}

class Optimizer {
  constructor(parameters, lr) {
    this.parameters = [...parameters];
    this.lr = lr;
  }

  step() {
    for (const [values, gradients] of this.parameters)
      for (let i = 0; i < values.length; i++) values[i] -= this.lr * gradients[i];
  }

  zeroGrad() {
    for (const [, gradients] of this.parameters) gradients.fill(0);
  }
}

const accuracy = (logits, { y }) =>
  y.filter((target, n) => {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    return row.indexOf(Math.max(...row)) === target;
  }).length / y.length;

// --- The loop ------------------------------------------------------------------------------------------------------

function fit(epochs, model, optimizer, train, valid) {
  let result;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of loader(train, 50, true)) {
      const { gradient } = crossEntropy(model.forward(batch), batch);
      model.backward(gradient, batch.size);
      optimizer.step();
      optimizer.zeroGrad();
    }
    result = { loss: 0, accuracy: 0 };
    for (const batch of loader(valid, 100)) {
      const logits = model.forward(batch);
      // Weighted by its size: the last batch may be smaller.
      result.loss += (crossEntropy(logits, batch).loss * batch.size) / valid.length;
      result.accuracy += (accuracy(logits, batch) * batch.size) / valid.length;
    }
    console.log(
      `by hand, epoch ${epoch + 1}: loss ${result.loss.toFixed(3)}, accuracy ${result.accuracy.toFixed(3)}`,
    );
  }
  return result;
}

const train = await rowsOf(data.train, 3000);
const valid = await rowsOf(data.valid, 500);
const model = new Sequential(new Linear(inputs, hidden), new Relu(), new Linear(hidden, classes));

// The gradients by hand against finite differences, before anything is trained on them.
const [batch] = loader(train, 20);
model.backward(crossEntropy(model.forward(batch), batch).gradient, batch.size);
for (const [values, gradients] of model.parameters()) {
  const at = gradients.indexOf(Math.max(...gradients));
  const [value, step] = [values[at], 1e-2];
  const lossAt = shifted => {
    values[at] = shifted;
    return crossEntropy(model.forward(batch), batch).loss;
  };
  const difference = (lossAt(value + step) - lossAt(value - step)) / (2 * step);
  values[at] = value;
  assert(
    Math.abs(difference - gradients[at]) < 1e-3,
    `gradient ${gradients[at]}, by differences ${difference}`,
  );
  gradients.fill(0);
}

const byHand = fit(2, model, new Optimizer(model.parameters(), 0.1), train, valid);
assert(byHand.accuracy > 0.75, `accuracy ${byHand.accuracy}`);

// --- The same in gradring, on two replicas and all of the sample -----------------------------------------------------

const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.mlp,
  imageShape: data.train.imageShape,
  classes: data.train.classes,
});
const loaders = DataLoaders.from(data, { batchSize: 50 });
const metrics = new MetricsCB(new Accuracy());
const cbs = [new TrainCB(), new BatchTransformCB(normalize({ mean, std })), metrics];
try {
  await new Learner(coordinator, loaders, { lr: 0.1, optFunc: sgd(), cbs }).fit(1);
  const row = metrics.history.at(-1);
  console.log(`gradring, epoch 1: loss ${row.loss.toFixed(3)}, accuracy ${row.accuracy.toFixed(3)}`);
  assert(row.accuracy > 0.78, `accuracy ${row.accuracy}`);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
