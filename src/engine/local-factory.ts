/** Factories of the engines that need no more than our own dependencies and a processor. */
import { EngineError } from '../errors.js';
import type { Engine, EngineFactory, EngineName } from './engine.js';
import { packageVersion } from './package-version.js';
import { processorDevices } from './processor.js';

/** @param load opens the engine; called only by `open`, so that asking for devices loads no TensorFlow.js */
export function localFactory(
  name: EngineName,
  packageName: string,
  load: () => Promise<(device: string) => Promise<Engine>>,
): EngineFactory {
  return {
    name,
    hasSettings: false,
    async available() {
      const version = packageVersion(packageName);
      if (version) return { ok: true, version };
      return {
        ok: false,
        reason: `${packageName} is not installed`,
        hint: `npm install ${packageName}@4.22.0`,
      };
    },
    devices: async () => processorDevices(name),
    async open(device) {
      const open = await load();
      try {
        return await open(device);
      } catch (cause) {
        if (cause instanceof EngineError) throw cause;
        throw new EngineError(`The ${name} engine did not start.`, {
          where: `device ${device}`,
          hint: `Check that ${packageName} is installed as 4.22.0.`,
          cause,
        });
      }
    },
  };
}
