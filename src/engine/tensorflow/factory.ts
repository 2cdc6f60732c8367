/**
 * The `tensorflow` engine: the stock native binding, which users may install. It serves one device in a process:
 * every thread that loads it is given the last GPU it finds, whichever was asked for.
 */
import { EngineError } from '../../errors.js';
import type { DeviceInfo, EngineFactory } from '../engine.js';
import { listGpus } from '../gpus.js';
import { processorDevices } from '../processor.js';
import { installedTensorflow } from './packages.js';

async function devices(): Promise<readonly DeviceInfo[]> {
  const installed = installedTensorflow();
  if (!installed) return [];
  const gpus = installed.usesGpu ? await listGpus() : [];
  const last = gpus.at(-1);
  if (last) {
    const only =
      gpus.length > 1 ? ` (the last of ${gpus.length} GPUs: the stock binding takes no other)` : '';
    return [{ id: `cuda:${last.index}`, description: `${last.name}${only}`, isGpu: true }];
  }
  const [processor] = processorDevices('cpu');
  return [{ ...processor, description: processor.description.replace('one core', 'all cores') }];
}

export const tensorflowFactory: EngineFactory = {
  name: 'tensorflow',
  hasSettings: false,
  async available() {
    const installed = installedTensorflow();
    if (installed) return { ok: true, version: installed.version };
    return {
      ok: false,
      reason: 'neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed',
      hint: 'npm install @tensorflow/tfjs-node-gpu (CUDA 11) or @tensorflow/tfjs-node, or use --engine wasm.',
    };
  },
  devices,
  async open(device) {
    const installed = installedTensorflow();
    if (!installed) {
      throw new EngineError('The tensorflow engine needs a package that is not installed.', {
        where: '--engine tensorflow',
        hint: 'npm install @tensorflow/tfjs-node-gpu (CUDA 11) or @tensorflow/tfjs-node, or use --engine wasm.',
      });
    }
    try {
      await import(installed.name);
    } catch (cause) {
      throw new EngineError(`${installed.name} ${installed.version} is installed but cannot be loaded.`, {
        where: '--engine tensorflow',
        hint: 'Its native library may be missing or for another Node version: npm rebuild, or use --engine wasm.',
        cause,
      });
    }
    const { openGenericEngine } = await import('../generic-engine.js');
    return openGenericEngine('tensorflow', device, 'tensorflow');
  },
};
