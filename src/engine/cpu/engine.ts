/** The `cpu` engine: tfjs's reference backend in plain JavaScript. Slow; it is what the others are compared with. */
import '@tensorflow/tfjs-backend-cpu';
import type { Engine } from '../engine.js';
import { hostFlatMath } from '../flat-math.js';
import { registerHostKernels } from '../host-kernels/register.js';
import { tf } from '../tf.js';
import { tensorOfPixels } from '../upload.js';
import { type CpuBackend, cpuMemory } from './backend.js';
import { cpuFlatParameters } from './flat-parameters.js';
import { registerTransform } from './transform.js';

export async function openCpuEngine(device: string): Promise<Engine> {
  await tf.setBackend('cpu');
  const backend = tf.backend() as unknown as CpuBackend;
  // The library never prints: the backend's first write would recommend another package on the console.
  backend.firstUse = false;
  registerHostKernels<CpuBackend>('cpu', cpuMemory);
  registerTransform();
  return {
    name: 'cpu',
    device,
    tf,
    upload: (pixels, count, shape) => tensorOfPixels(Float32Array.from(pixels), count, shape),
    readInto: (tensor, target) => target.set(backend.data.get(tensor.dataId).values),
    flatParameters: cpuFlatParameters,
    flatMath: hostFlatMath,
    memory: () => ({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }),
    close: () => tf.engine().reset(),
  };
}
