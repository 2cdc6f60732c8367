/** The `torch` engine: our addon over LibTorch, on processors, CUDA GPUs and Apple's. */
import type { DeviceInfo, EngineFactory } from '../engine.js';
import { listGpus } from '../gpus.js';
import { processorDevices } from '../processor.js';
import { readBuildStamp } from './build-stamp.js';

async function devices(): Promise<readonly DeviceInfo[]> {
  const stamp = readBuildStamp();
  if (!stamp) return [];
  if (stamp.mps) return [{ id: 'mps', description: 'Metal', isGpu: true }];
  const gpus = stamp.cuda ? await listGpus() : [];
  const asDevice = ({ index, name, memoryMiB, driver }: (typeof gpus)[number]): DeviceInfo => ({
    id: `cuda:${index}`,
    description: name,
    isGpu: true,
    memoryMiB,
    driver,
  });
  return gpus.length > 0 ? gpus.map(asDevice) : processorDevices('cpu');
}

export const torchFactory: EngineFactory = {
  name: 'torch',
  hasSettings: true,
  async available() {
    const stamp = readBuildStamp();
    if (stamp) return { ok: true, version: stamp.version };
    return {
      ok: false,
      reason: 'its addon was not built, as no LibTorch was found at install',
      hint: 'pip install torch, or apt install libtorch-dev; then npm run build:native.',
    };
  },
  devices,
  async open(device, settings) {
    const { openTorchEngine } = await import('./engine.js');
    return openTorchEngine(device, settings);
  },
};
