/** One replica alone in this thread, with timers round its kernels: where a training step's time goes. */
import { workerData } from 'node:worker_threads';
import { ControlBlock } from '../src/allreduce/control-block.js';
import type { Engine } from '../src/engine/engine.js';
import { type KernelTime, profileKernels } from '../src/engine/kernel-profile.js';
import { models } from '../src/models/catalog.js';
import type { SlotRing } from '../src/protocol/batch.js';
import { defaultEngineSettings } from '../src/protocol/engine-settings.js';
import type { CommandOf, ReplicaSettings } from '../src/protocol/messages.js';
import { openReplica } from '../src/worker/open-replica.js';
import type { Replica } from '../src/worker/replica.js';
import { profileOperations } from './operation-profile.js';
import { type EngineChoice, settings as groups } from './resnet-training.js';
import { serve } from './serve.js';
import { classes, imageShape } from './synthetic-batch.js';

export interface ProfileTask {
  readonly choice: EngineChoice;
  readonly ring: SlotRing;
  /** Samples of the shard. */
  readonly count: number;
}

export interface StepProfile {
  readonly stepMs: number;
  /** Longest first. */
  readonly kernels: readonly KernelTime[];
}

const { choice, ring, count } = workerData as ProfileTask;

type Profiler = () => { stop(): KernelTime[] };

const profilerOf = ({ name, tf }: Engine): Profiler =>
  name === 'torch' ? profileOperations : () => profileKernels(tf, name);

async function openProfiled(): Promise<{ replica: Replica; profile: Profiler }> {
  const control = new ControlBlock(1);
  const settings: ReplicaSettings = {
    rank: 0,
    replicas: 1,
    engine: choice.engine,
    device: choice.engine === 'wasm' ? 'wasm:0' : `${choice.device}:0`,
    engineSettings: { ...defaultEngineSettings, precision: choice.precision },
    recipe: models.resnet,
    imageShape,
    classes,
    seed: 1,
    stallTimeoutMs: 60_000,
    control: control.buffer,
  };
  const { replica, engine } = await openReplica(settings);
  const { parameters, buffers: modelBuffers } = replica.ready();
  const length = [...parameters, ...modelBuffers].reduce((sum, { size }) => sum + size, 0);
  const buffers = [new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT)];
  replica.accept({ share: 'ring', rank: 0, control: control.buffer, buffers });
  replica.accept({ share: 'slots', ring: 0, ...ring });
  const spec = { kind: 'adamw' as const, groups: [parameters.map((_, index) => index)] };
  await replica.run({ op: 'optimizer', spec });
  return { replica, profile: profilerOf(engine) };
}

const { replica, profile } = await openProfiled();
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
