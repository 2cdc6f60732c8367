/** The engines by name, and the choice of one. Loading this file loads no TensorFlow.js. */
import { ConfigError, DeviceError } from '../errors.js';
import { defaultEngineSettings, type EngineSettings } from '../protocol/engine-settings.js';
import { cpuFactory } from './cpu/factory.js';
import type { Engine, EngineFactory, EngineName } from './engine.js';
import { tensorflowFactory } from './tensorflow/factory.js';
import { torchFactory } from './torch/factory.js';
import { wasmFactory } from './wasm/factory.js';

export const engineFactories: Readonly<Record<EngineName, EngineFactory>> = {
  torch: torchFactory,
  tensorflow: tensorflowFactory,
  wasm: wasmFactory,
  cpu: cpuFactory,
};

/** What `--engine` accepts. */
export const engineChoices: readonly (EngineName | 'auto')[] = ['auto', 'torch', 'tensorflow', 'wasm', 'cpu'];

/**
 * Opens an engine in this thread; it becomes tfjs's active backend.
 *
 * @throws EngineError when it cannot be opened, ConfigError when there is no such engine
 */
export async function openEngine(
  name: EngineName,
  device: string,
  settings: EngineSettings = defaultEngineSettings,
): Promise<Engine> {
  return factoryOf(name).open(device, settings);
}

/**
 * The engine to use. `auto` takes the fastest one that is available: torch where its addon was built, the stock
 * TensorFlow binding where the user installed it and one replica is wanted (it can serve no more), else wasm.
 *
 * @throws DeviceError when the engine asked for is not available, ConfigError when there is none of that name
 */
export async function chooseEngine(name: string, replicas = 1): Promise<EngineFactory> {
  if (name === 'auto') {
    if ((await torchFactory.available()).ok) return torchFactory;
    const { ok } = await tensorflowFactory.available();
    return ok && replicas === 1 ? tensorflowFactory : wasmFactory;
  }
  const factory = factoryOf(name);
  const availability = await factory.available();
  if (availability.ok) return factory;
  throw new DeviceError(`The engine ${name} cannot be used: ${availability.reason}.`, {
    where: `--engine ${name}`,
    hint: availability.hint,
  });
}

function factoryOf(name: string): EngineFactory {
  if (Object.hasOwn(engineFactories, name)) return engineFactories[name as EngineName];
  throw new ConfigError(`There is no engine "${name}".`, {
    where: `--engine ${name}`,
    hint: `Use one of: ${engineChoices.join(', ')}.`,
  });
}
