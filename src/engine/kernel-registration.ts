/** Putting our own kernels and gradients in the place of stock ones, in the registry of this thread. */
import type {
  GradConfig,
  KernelFunc,
  NamedAttrMap,
  NamedTensorInfoMap,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { tf } from './tf.js';

/** A kernel as we write it: the inputs it is registered for are always there. */
export type Kernel<Backend> = (
  inputs: Record<string, TensorInfo>,
  attrs: NamedAttrMap,
  backend: Backend,
) => TensorInfo | TensorInfo[];

const adapt =
  <Backend>(kernel: Kernel<Backend>): KernelFunc =>
  ({ inputs, attrs, backend }: { inputs: NamedTensorInfoMap; attrs?: NamedAttrMap; backend: object }) =>
    kernel(inputs as Record<string, TensorInfo>, attrs ?? {}, backend as Backend);

/**
 * Registers `kernel`, in place of the stock one where there is one. The stock set-up function is kept: it binds
 * the backend's compiled function, which our kernel may still call through `stockKernel`.
 */
export function setKernel<Backend>(name: string, backendName: string, kernel: Kernel<Backend>): void {
  const stock = tf.getKernel(name, backendName);
  if (stock) tf.unregisterKernel(name, backendName);
  tf.registerKernel({
    kernelName: name,
    backendName,
    setupFunc: stock?.setupFunc,
    disposeFunc: stock?.disposeFunc,
    kernelFunc: adapt(kernel),
  });
}

/** The kernel registered now, to be called by the one that takes its place. Undefined where there is none. */
export function stockKernel<Backend>(name: string, backendName: string): Kernel<Backend> | undefined {
  const func = tf.getKernel(name, backendName)?.kernelFunc;
  return func && ((inputs, attrs, backend) => func({ inputs, attrs, backend: backend as object }));
}

/** Registers a gradient in place of the stock one. Gradients are shared by all backends of a thread. */
export function setGradient(config: GradConfig): void {
  if (tf.getGradient(config.kernelName)) tf.unregisterGradient(config.kernelName);
  tf.registerGradient(config);
}

/** Whether the active backend has the kernel. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}
