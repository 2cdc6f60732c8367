/** One replica alone in this thread, with timers round its kernels: where a training step's time goes. */
import { workerData } from 'node:worker_threads';
import { ControlBlock } from '../src/allreduce/control-block.js';
import { type KernelTime, profileKernels } from '../src/engine/kernel-profile.js';
import { openEngine } from '../src/engine/registry.js';
import { models } from '../src/models/catalog.js';
import { installFusedLayers } from '../src/nn/fused-layers.js';
import type { SlotRing } from '../src/protocol/batch.js';
import type { CommandOf, ReplicaSettings } from '../src/protocol/messages.js';
import { loadRecipe } from '../src/worker/load-recipe.js';
import { Replica } from '../src/worker/replica.js';
import { seedMathRandom } from '../src/worker/seeded-math-random.js';
import { settings as groups } from './resnet-training.js';
import { serve } from './serve.js';
import { classes, imageShape } from './synthetic-batch.js';

export interface ProfileTask {
  readonly ring: SlotRing;
  /** Samples of the shard. */
  readonly count: number;
}

export interface StepProfile {
  readonly stepMs: number;
  /** Longest first. */
  readonly kernels: readonly KernelTime[];
}

const { ring, count } = workerData as ProfileTask;

async function openReplica(): Promise<{ replica: Replica; profile: () => { stop(): KernelTime[] } }> {
  const control = new ControlBlock(1);
  const settings: ReplicaSettings = {
    rank: 0,
    replicas: 1,
    engine: 'wasm',
    device: 'wasm:0',
    recipe: models.resnet,
    imageShape,
    classes,
    seed: 1,
    stallTimeoutMs: 60_000,
    control: control.buffer,
  };
  const reseed = seedMathRandom(settings.seed);
  const engine = await openEngine('wasm', settings.device);
  installFusedLayers();
  const context = { imageShape, classes, seed: settings.seed, options: {} };
  const loaded = await loadRecipe(engine.tf, models.resnet, context);
  const replica = new Replica({ settings, engine, loaded, control, reseed });
  const { parameters, stateSize } = replica.ready();
  const length = parameters.reduce((sum, { size }) => sum + size, stateSize);
  const buffers = [new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT)];
  replica.accept({ share: 'ring', buffers });
  replica.accept({ share: 'slots', ring: 0, ...ring });
  const spec = { kind: 'adamw' as const, groups: [parameters.map((_, index) => index)] };
  await replica.run({ op: 'optimizer', spec });
  return { replica, profile: () => profileKernels(engine.tf, 'wasm') };
}

const { replica, profile } = await openReplica();
const place = { ring: 0, slot: 0, offset: 0, count, size: count, epoch: 0, index: 0, transforms: [] };
const train: CommandOf<'train'> = { op: 'train', shard: place, groups, predictions: false, step: 0 };

/** One training step. */
serve<'step', StepProfile>(async () => {
  const timers = profile();
  const start = performance.now();
  await replica.run(train);
  const stepMs = performance.now() - start;
  return { stepMs, kernels: timers.stop() };
});
