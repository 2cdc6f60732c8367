/** Where a step's time goes, by kernel: timers around every kernel of a backend. */
import type { KernelConfig, KernelFunc } from '@tensorflow/tfjs-core';
import type { Tf } from './tf.js';

export interface KernelTime {
  readonly kernel: string;
  /** Milliseconds in the kernel itself, without those of other kernels that it called. */
  readonly ms: number;
  readonly calls: number;
}

/**
 * Times all kernels until `stop`, which puts them back and returns the times, longest first. For backends that
 * compute synchronously.
 */
export function profileKernels(tf: Tf, backendName: string): { stop(): KernelTime[] } {
  const times = new Map<string, { ms: number; calls: number }>();
  /** Milliseconds of the calls within each open call, innermost last. */
  const open: number[] = [];
  const timed =
    ({ kernelName, kernelFunc }: KernelConfig): KernelFunc =>
    params => {
      const start = performance.now();
      open.push(0);
      try {
        return kernelFunc(params);
      } finally {
        const whole = performance.now() - start;
        const within = open.pop()!;
        if (open.length > 0) open[open.length - 1] += whole;
        const entry = times.get(kernelName) ?? { ms: 0, calls: 0 };
        times.set(kernelName, { ms: entry.ms + whole - within, calls: entry.calls + 1 });
      }
    };
  const originals = tf.getKernelsForBackend(backendName);
  const register = (config: KernelConfig) => {
    tf.unregisterKernel(config.kernelName, backendName);
    tf.registerKernel(config);
  };
  for (const original of originals) register({ ...original, kernelFunc: timed(original) });
  return {
    stop() {
      for (const original of originals) register(original);
      return [...times].map(([kernel, time]) => ({ kernel, ...time })).sort((a, b) => b.ms - a.ms);
    },
  };
}
