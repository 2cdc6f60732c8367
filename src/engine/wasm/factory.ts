import type { EngineFactory } from '../engine.js';
import { localFactory } from '../local-factory.js';

export const wasmFactory: EngineFactory = localFactory(
  'wasm',
  '@tensorflow/tfjs-backend-wasm',
  async () => (await import('./engine.js')).openWasmEngine,
);
