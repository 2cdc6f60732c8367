import type { EngineFactory } from '../engine.js';
import { localFactory } from '../local-factory.js';

export const cpuFactory: EngineFactory = localFactory(
  'cpu',
  '@tensorflow/tfjs-backend-cpu',
  async () => (await import('./engine.js')).openCpuEngine,
);
