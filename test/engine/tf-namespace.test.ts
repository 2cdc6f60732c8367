/** The `tf` handed to recipes. */
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import './backends.js';

t.test('layers, core ops and chained ops in one namespace', async t => {
  await tf.setBackend('wasm');
  t.type(tf.layers.conv2d, 'function');
  t.type(tf.sequential, 'function');
  t.type(tf.conv2d, 'function');
  const values = tf.tidy(() =>
    tf
      .tensor2d([
        [-1, 2],
        [3, -4],
      ])
      .relu()
      .concat(tf.ones([1, 2]))
      .flatten()
      .as2D(3, 2)
      .sum(0)
      .toInt()
      .dataSync(),
  );
  t.same([...values], [4, 3]);
});

t.test('no chained op is defined without an op behind it', async t => {
  const x = tf.tensor2d([[0.5]]);
  const names = Object.keys(tf.Tensor.prototype).filter(name => /^[a-z]/.test(name));
  t.ok(names.length > 100);
  for (const name of ['exp', 'tanh', 'isNaN', 'logSoftmax', 'zerosLike', 'squeeze'] as const) {
    t.ok(tf.tidy(() => x[name]()).isDisposed === false, name);
  }
  tf.disposeVariables();
});

t.test('an LSTM builds: its default initializer needs chained ops', async t => {
  const model = tf.sequential({ layers: [tf.layers.lstm({ units: 3, inputShape: [4, 2] })] });
  t.equal(model.countParams(), 4 * 3 * (3 + 2 + 1));
  model.dispose();
});
