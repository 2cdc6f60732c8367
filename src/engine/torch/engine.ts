/** The `torch` engine: LibTorch on one device, for this thread. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { DeviceError, EngineError } from '../../errors.js';
import type { EngineSettings } from '../../protocol/engine-settings.js';
import type { Engine } from '../engine.js';
import { tf } from '../tf.js';
import { type Addon, loadAddon } from './addon.js';
import { TORCH, TorchBackend } from './backend.js';
import { torchFlatMath } from './flat-math.js';
import { torchFlatParameters } from './flat-parameters.js';
import { registerTorchKernels } from './kernels/register.js';
import { compileModel } from './program/compile.js';

const deviceKinds = ['cpu', 'cuda', 'mps'];

/** @param device such as `cuda:1`, `mps` or `cpu:0`: the index of a processor device only tells replicas apart */
export async function openTorchEngine(device: string, settings: EngineSettings): Promise<Engine> {
  const addon = loadAddon();
  openDevice(addon, device, settings);
  registerTorchKernels(warnOfHostKernel);
  if (!tf.engine().registryFactory[TORCH]) tf.registerBackend(TORCH, () => new TorchBackend(addon, device));
  if (!(await tf.setBackend(TORCH))) {
    throw new EngineError('The torch backend did not start.', {
      where: `engine torch on ${device}`,
      hint: 'Run npm run doctor to see what it was built with.',
    });
  }
  const backend = tf.backend() as TorchBackend;
  const handlesOf = (tensors: readonly Tensor[]) => tensors.map(tensor => backend.handleOf(tensor));
  return {
    name: 'torch',
    device,
    tf,
    upload: (pixels, count, shape) => {
      const info = backend.uploadBytes(pixels, [count, ...shape]);
      return tf.engine().makeTensorFromTensorInfo(info) as ReturnType<Engine['upload']>;
    },
    readInto: (tensor, target) => backend.readInto(tensor, target),
    bulk: {
      read: (tensors, target) => backend.runOn('readAll', [target], [], handlesOf(tensors)),
      write: (tensors, source) => backend.runOn('writeAll', [source], [], handlesOf(tensors)),
    },
    pin(memory) {
      if (!device.startsWith('cuda')) return () => {};
      backend.runOn('pin', [memory], []);
      return () => backend.runOn('unpin', [memory], []);
    },
    flatParameters: variables => torchFlatParameters(backend, variables, device.startsWith('cpu')),
    flatMath: torchFlatMath(backend),
    compile: model => (settings.fuse ? compileModel(backend, model) : undefined),
    memory: () => ({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }),
    close: () => tf.engine().reset(),
  };
}

/** Through Node's own channel: the host of the process listens to it or silences it; a replica's goes to the log. */
function warnOfHostKernel(kernelName: string): void {
  process.emitWarning(
    `The torch engine runs the kernel ${kernelName} on host copies: it has no native one.`,
    {
      type: 'PerformanceWarning',
      code: 'GRADRING_HOST_KERNEL',
      detail: 'docs/kernels.md lists which kernels are native.',
    },
  );
}

function openDevice({ frame, operations }: Addon, device: string, settings: EngineSettings): void {
  const [kind, index = '0'] = device.split(':');
  const { threads, precision, tf32, deterministic, cudaGraph } = settings;
  const isBf16 = precision === 'bf16';
  frame.set([deviceKinds.indexOf(kind), Number(index), threads, +isBf16, +tf32, +deterministic, +cudaGraph]);
  try {
    operations.openDevice();
  } catch (cause) {
    throw new DeviceError(`The torch engine cannot use ${device}: ${(cause as Error).message}`, {
      where: `device ${device}`,
      hint: 'Use --list-devices to see what there is.',
      cause,
    });
  }
}
