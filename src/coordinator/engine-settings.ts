/** The settings that replicas open their engine with, checked before any thread starts. */
import { availableParallelism } from 'node:os';
import { engineFactories } from '../engine/registry.js';
import { ConfigError } from '../errors.js';
import { defaultEngineSettings, type EngineSettings } from '../protocol/engine-settings.js';
import type { CoordinatorOptions } from './coordinator-options.js';

/**
 * Fills in the defaults: the cores that this process may use are shared out among the replicas.
 *
 * @throws ConfigError when the engine or the devices cannot do what is asked
 */
export function resolveEngineSettings(options: CoordinatorOptions): EngineSettings {
  const { engine, devices, engineSettings = {} } = options;
  const threads = Math.max(1, Math.floor(availableParallelism() / devices.length));
  const settings = { ...defaultEngineSettings, threads, ...engineSettings };
  const factory = Object.values(engineFactories).find(({ name }) => name === engine);
  if (settings.precision !== 'fp32' && !factory?.hasSettings) {
    throw unusable(`precision ${settings.precision}`, `the ${engine} engine computes in fp32 only`);
  }
  const onCuda = devices.every(device => device.startsWith('cuda'));
  for (const name of ['tf32', 'cudaGraph'] as const) {
    if (settings[name] && !(onCuda && factory?.hasSettings)) {
      throw unusable(name, `it is for CUDA devices on the torch engine, not for ${devices.join(', ')}`);
    }
  }
  if (!Number.isInteger(settings.threads) || settings.threads < 1) {
    throw unusable(`threads ${settings.threads}`, 'a replica needs a whole number of threads, at least one');
  }
  return settings;
}

const unusable = (what: string, reason: string): ConfigError =>
  new ConfigError(`${what} cannot be used: ${reason}.`, {
    where: 'engineSettings',
    hint: 'Leave it out, or use --engine torch on a device that has it (--list-devices).',
  });
