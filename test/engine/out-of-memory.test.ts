/** An allocation beyond the wasm heap's limit is an error, not a tensor at address 0. */
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import type { WasmBackend } from '../../src/engine/wasm/backend.js';
import { wasm } from './backends.js';

t.test('a tensor that does not fit throws OutOfMemoryError, and the engine goes on', async t => {
  await tf.setBackend('wasm');
  const backend = tf.backend() as unknown as WasmBackend;
  // Just below the limit of a 32-bit heap, which is partly used; and above it, which 32 bits cannot say.
  for (const elements of [2 ** 30 - 2 ** 12, 5 * 2 ** 28]) {
    t.throws(() => backend.makeOutput([elements], 'float32'), {
      code: 'E_OUT_OF_MEMORY',
      hint: /smaller batch/,
    });
  }
  const y = tf.tidy(() => tf.relu(tf.tensor1d([-1, 2])));
  t.same([...y.dataSync()], [0, 2]);
  y.dispose();
  t.equal(wasm.memory().tensors, 0);
});
