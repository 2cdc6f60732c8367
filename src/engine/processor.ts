/** The processor, as a device: its name and the CPU devices that stand for shares of its cores. */
import { availableParallelism, cpus } from 'node:os';
import type { DeviceInfo, EngineName } from './engine.js';

/** One device per core that this process may use: `wasm:0`, `wasm:1`, … */
export function processorDevices(engine: EngineName): DeviceInfo[] {
  const description = cpus()[0]?.model.trim() || 'processor';
  return Array.from({ length: availableParallelism() }, (_, index) => ({
    id: `${engine}:${index}`,
    description: `${description}, one core`,
    isGpu: false,
  }));
}
