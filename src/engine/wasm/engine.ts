/**
 * The `wasm` engine, the default: tfjs's WebAssembly backend on one thread, completed by our kernels. One engine
 * to a thread; replicas in threads of their own use the other cores.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { EngineError } from '../../errors.js';
import type { Engine } from '../engine.js';
import { hostFlatMath } from '../flat-math.js';
import { tf } from '../tf.js';
import { guardAllocation, type WasmBackend } from './backend.js';
import { wasmFlatParameters } from './flat-parameters.js';
import { registerWasmKernels } from './kernels/register.js';

export async function openWasmEngine(device: string): Promise<Engine> {
  // The binaries lie beside the package's Node bundle; a bundled program would look beside itself.
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  setThreadsCount(1);
  registerWasmKernels();
  if (!(await tf.setBackend('wasm'))) {
    throw new EngineError('The wasm backend of TensorFlow.js did not start.', {
      where: `engine wasm on ${device}`,
      hint: 'Reinstall @tensorflow/tfjs-backend-wasm 4.22.0, or use --engine cpu.',
    });
  }
  const backend = tf.backend() as unknown as WasmBackend;
  guardAllocation(backend);
  return {
    name: 'wasm',
    device,
    tf,
    upload(pixels, count, shape) {
      const info = backend.makeOutput([count, ...shape], 'float32');
      // uint8 to float32 straight into the heap.
      backend.typedArrayFromHeap(info).set(pixels);
      return tf.engine().makeTensorFromTensorInfo(info) as ReturnType<Engine['upload']>;
    },
    readInto: (tensor, target) => target.set(backend.typedArrayFromHeap(tensor)),
    flatParameters: variables => wasmFlatParameters(backend, variables),
    flatMath: hostFlatMath,
    memory: () => ({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }),
    close: () => tf.engine().reset(),
  };
}
