import { defaultSeed } from '../default-seed.js';
import { AbortedError, RecipeError } from '../errors.js';
import type { ImageShape } from '../protocol/batch.js';
import type { ReadyReport } from '../protocol/messages.js';
import { BatchMemory } from './batch-memory.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { resolveEngineSettings } from './engine-settings.js';
import { ReplicaGroup } from './replica-group.js';
import { ReplicaState } from './replica-state.js';
import { Sharder } from './shards.js';

/** Replicas that hold the same weights, and what is shared with them. */
export interface OpenReplicas {
  readonly group: ReplicaGroup;
  /** In rank order. */
  readonly ready: readonly ReadyReport[];
  readonly sharder: Sharder;
  readonly predictions: BatchMemory;
  readonly inputs: BatchMemory;
  readonly state: ReplicaState;
}

/**
 * Starts a thread for every device.
 *
 * @throws ConfigError, AbortedError before anything is started
 */
export function startReplicas(options: CoordinatorOptions): ReplicaGroup {
  const { devices, engine, recipe, loss, imageShape, classes, seed = defaultSeed(), signal } = options;
  const { stallTimeoutMs = 120_000, startTimeoutMs = 120_000, onOutput = () => {} } = options;
  const engineSettings = resolveEngineSettings(options);
  if (signal?.aborted)
    throw new AbortedError('the run was aborted before it began', { cause: signal.reason });
  const settings = { engine, engineSettings, recipe, loss, imageShape, classes, seed, stallTimeoutMs };
  return new ReplicaGroup({ devices, startTimeoutMs, onOutput, settings });
}

/**
 * Waits for the replicas, shares the ring with them, and gives all of them replica 0's weights.
 *
 * @throws RecipeError when they did not all build the same model
 */
export async function openReplicas(group: ReplicaGroup, imageShape: ImageShape): Promise<OpenReplicas> {
  const ready = await group.ready();
  requireSameModel(ready);
  const { parameters, buffers, outputShape } = ready[0];
  const floats = [...parameters, ...buffers].reduce((n, { size }) => n + size, 0);
  const ring = ready.map(() => new SharedArrayBuffer(floats * Float32Array.BYTES_PER_ELEMENT));
  group.share({ share: 'ring', buffers: ring });
  await group.requestOne(0, { op: 'publish' });
  await group.request<'adopt'>(() => ({ op: 'adopt', from: 0 }));
  return {
    group,
    ready,
    sharder: new Sharder(group),
    predictions: new BatchMemory(group, 'predictions', outputShape),
    inputs: new BatchMemory(group, 'inputs', imageShape),
    state: new ReplicaState(group, ready[0]),
  };
}

function requireSameModel(ready: readonly ReadyReport[]): void {
  const shapes = ready.map(report =>
    JSON.stringify([report.parameters, report.buffers].map(infos => infos.map(({ shape }) => shape))),
  );
  const odd = shapes.findIndex(text => text !== shapes[0]);
  if (odd < 0) return;
  throw new RecipeError(`model() built another model on replica ${odd} than on replica 0`, {
    replica: odd,
    hint: 'the model may depend only on the context it is given',
  });
}
