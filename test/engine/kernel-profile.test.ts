/** Exclusive times per kernel, and the kernels put back afterwards. */
import t from 'tap';
import { profileKernels } from '../../src/engine/kernel-profile.js';
import { tf } from '../../src/engine/tf.js';
import './backends.js';

t.test('counts calls, charges a nested kernel to itself, and restores the kernels', async t => {
  await tf.setBackend('wasm');
  const kernel = tf.getKernel('Relu', 'wasm').kernelFunc;
  // A clock that only the two kernels below move.
  let clock = 0;
  t.intercept(performance, 'now', { value: () => clock });
  tf.registerKernel({
    kernelName: 'Outer',
    backendName: 'wasm',
    kernelFunc: () => {
      clock += 2;
      return tf.engine().runKernel('Inner', {});
    },
  });
  tf.registerKernel({
    kernelName: 'Inner',
    backendName: 'wasm',
    kernelFunc: () => {
      clock += 20;
      return tf.scalar(1);
    },
  });
  const profile = profileKernels(tf, 'wasm');
  tf.tidy(() => {
    tf.engine().runKernel('Outer', {});
    tf.relu(tf.relu([1, -1]));
  });
  const times = new Map(profile.stop().map(({ kernel, ms, calls }) => [kernel, { ms, calls }]));
  t.equal(times.get('Relu')?.calls, 2);
  t.same(times.get('Outer'), { ms: 2, calls: 1 }, 'not charged for the kernel it calls');
  t.same(times.get('Inner'), { ms: 20, calls: 1 });
  t.equal(tf.getKernel('Relu', 'wasm').kernelFunc, kernel);
  for (const name of ['Outer', 'Inner']) tf.unregisterKernel(name, 'wasm');
});
