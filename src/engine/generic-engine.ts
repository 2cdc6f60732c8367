/** An engine on any tfjs backend, by public functions only: values pass through host arrays. */
import { EngineError } from '../errors.js';
import { copiedParameters } from './copied-parameters.js';
import type { Engine, EngineName } from './engine.js';
import { hostFlatMath } from './flat-math.js';
import { tf } from './tf.js';
import { tensorOfPixels } from './upload.js';

/** @param backendName as registered with tfjs, such as `tensorflow` */
export async function openGenericEngine(
  name: EngineName,
  device: string,
  backendName: string,
): Promise<Engine> {
  if (!(await tf.setBackend(backendName))) {
    throw new EngineError(`The TensorFlow.js backend ${backendName} did not start.`, {
      where: `engine ${name} on ${device}`,
      hint: 'Use --engine wasm, which needs nothing else installed.',
    });
  }
  return {
    name,
    device,
    tf,
    upload: (pixels, count, shape) => tensorOfPixels(Float32Array.from(pixels), count, shape),
    readInto: (tensor, target) => target.set(tensor.dataSync<'float32'>()),
    flatParameters: copiedParameters,
    flatMath: hostFlatMath,
    memory: () => ({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }),
    close: () => tf.engine().reset(),
  };
}
