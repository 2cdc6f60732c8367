/**
 * Kernels that LibTorch has no counterpart of, and all those on strings and complex numbers, which never reach
 * native code: the cpu backend's kernel runs on host copies of the inputs, and its results are copied back.
 */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { KernelBackend, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernel, setKernel, stockKernel } from '../kernel-registration.js';
import { tf } from '../tf.js';

const hostTypes: ReadonlySet<unknown> = new Set(['string', 'complex64']);

/** Whether a call has to run on the host whatever kernels there are, because of the types it takes or gives. */
export function isHostCall(inputs: Readonly<Record<string, TensorInfo>>, attrs: NamedAttrMap): boolean {
  if (hostTypes.has(attrs.dtype)) return true;
  // A list of inputs has names too: its indices. Inputs may be absent.
  for (const name in inputs) if (hostTypes.has(inputs[name]?.dtype)) return true;
  return false;
}

/** The cpu backend's kernel of this name, for tensors of another backend; undefined where it has none. */
export function hostKernel(name: string): Kernel<KernelBackend> | undefined {
  const kernel = stockKernel<KernelBackend>(name, 'cpu');
  if (!kernel) return undefined;
  return (inputs, attrs, backend) => {
    // One for each call: what a kernel leaves behind in it is garbage afterwards.
    const host = new MathBackendCPU();
    silence(host);
    const result = kernel(
      copyAll(inputs, tensor => copyIn(tensor, backend, host)),
      attrs,
      host,
    );
    if (Array.isArray(result)) return result.map(tensor => copyOut(tensor, host, backend));
    return copyOut(result, host, backend);
  };
}

/** A native kernel that leaves calls on strings and complex numbers to the cpu backend's. */
export function withHostCalls<Backend extends KernelBackend>(
  name: string,
  native: Kernel<Backend>,
): Kernel<Backend> {
  const host = hostKernel(name);
  if (!host) return native;
  return (inputs, attrs, backend) =>
    isHostCall(inputs, attrs) ? host(inputs, attrs, backend) : native(inputs, attrs, backend);
}

/**
 * Registers a kernel through host copies for each one of the cpu backend that is not in `native`.
 *
 * @param warn called with a kernel's name the first time it runs, so that a slow path is seen
 */
export function registerFallbacks(
  backendName: string,
  native: ReadonlySet<string>,
  warn: (kernelName: string) => void,
): void {
  const warned = new Set<string>();
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (native.has(kernelName)) continue;
    const kernel = hostKernel(kernelName)!;
    setKernel<KernelBackend>(kernelName, backendName, (inputs, attrs, backend) => {
      // Strings and complex numbers live on the host anyway: there the way is not a slow one.
      if (!warned.has(kernelName) && !isHostCall(inputs, attrs)) {
        warned.add(kernelName);
        warn(kernelName);
      }
      return kernel(inputs, attrs, backend);
    });
  }
}

/** A library never prints: the first write would recommend another package on the console. */
function silence(host: MathBackendCPU): void {
  (host as unknown as { firstUse: boolean }).firstUse = false;
}

/** Inputs by name or as a list (AddN, Concat, Pack), each a tensor, a list (the ragged kernels) or absent. */
function copyAll<Inputs extends object>(inputs: Inputs, copy: (tensor: TensorInfo) => TensorInfo): Inputs {
  const copies = Array.isArray(inputs) ? [] : {};
  for (const [name, input] of Object.entries(inputs)) {
    const copied = Array.isArray(input) ? input.map(copy) : input && copy(input);
    Object.assign(copies, { [name]: copied });
  }
  return copies as Inputs;
}

/** With `rank` and `size`, which tensors have and infos have not: some of the kernels read them. */
function copyIn({ dataId, shape, dtype }: TensorInfo, from: KernelBackend, host: MathBackendCPU): TensorInfo {
  const values = from.readSync(dataId);
  const rankAndSize = { rank: shape.length, size: tf.util.sizeFromShape(shape) };
  if (dtype !== 'complex64') return { ...host.makeTensorInfo(shape, dtype, values), ...rankAndSize };
  const info = host.makeTensorInfo(shape, dtype);
  const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
  host.data.get(info.dataId).complexTensorInfos = {
    real: host.makeTensorInfo(shape, 'float32', real),
    imag: host.makeTensorInfo(shape, 'float32', imag),
  };
  return { ...info, ...rankAndSize };
}

/** A complex result goes over as it is read: real and imaginary parts in turn. */
function copyOut({ dataId, shape, dtype }: TensorInfo, host: MathBackendCPU, to: KernelBackend): TensorInfo {
  const values = host.readSync(dataId);
  return { dataId: to.write(values, shape, dtype), shape, dtype };
}
