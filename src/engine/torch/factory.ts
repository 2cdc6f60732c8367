/** The `torch` engine: our addon over LibTorch, on processors, CUDA GPUs and Apple's. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DeviceInfo, EngineFactory } from '../engine.js';
import { listGpus } from '../gpus.js';
import { processorDevices } from '../processor.js';
import { addonPath, isAddonBuilt } from './addon.js';

/** What the build wrote down about the addon. */
interface BuildStamp {
  /** Of LibTorch. */
  readonly version: string;
  readonly cuda: boolean;
  readonly mps: boolean;
}

/** Undefined where the addon was not built. Loads nothing native. */
function readStamp(): BuildStamp | undefined {
  if (!isAddonBuilt()) return undefined;
  try {
    return JSON.parse(readFileSync(join(dirname(addonPath()), 'build.json'), 'utf8')) as BuildStamp;
  } catch {
    // A build without its stamp was cut short.
    return undefined;
  }
}

async function devices(): Promise<readonly DeviceInfo[]> {
  const stamp = readStamp();
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
    const stamp = readStamp();
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
