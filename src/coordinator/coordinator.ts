/**
 * Drives the replicas of one run: starts them on their devices with equal weights, divides every batch among
 * them, and runs the steps of the training loop on all of them at once. This is the `StepRunner` the Learner
 * knows. It prints nothing, installs no handlers, and keeps nothing outside the object.
 */

import { AbortedError, ConfigError, RecipeError } from '../errors.js';
import type { Batch } from '../protocol/batch.js';
import type {
  Command,
  MemoryReport,
  ModelReport,
  ReadyReport,
  Shard,
  StepReport,
} from '../protocol/messages.js';
import type { GroupSettings, OptimizerSpec, ParameterInfo } from '../protocol/optimizer.js';
import type { Predictions, StepOptions, StepResult, StepRunner } from '../protocol/step-runner.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { resolveEngineSettings } from './engine-settings.js';
import { PredictionMemory } from './prediction-memory.js';
import { ReplicaGroup } from './replica-group.js';
import { ReplicaVerifier } from './replica-verifier.js';
import { mergeLosses, mergeSteps } from './reports.js';
import { Sharder } from './shards.js';

export class Coordinator implements StepRunner {
  readonly #options: CoordinatorOptions;
  readonly #verifier: ReplicaVerifier;
  #group?: ReplicaGroup;
  #sharder?: Sharder;
  #opening?: Promise<void>;
  #ready: readonly ReadyReport[] = [];
  #memory?: PredictionMemory;
  #step = 0;

  /** @throws ConfigError when no device is given */
  constructor(options: CoordinatorOptions) {
    if (options.devices.length === 0) throw new ConfigError('a coordinator needs at least one device');
    this.#options = options;
    this.#verifier = new ReplicaVerifier(options.verify ?? 'epoch', () => this.checksums());
  }

  get devices(): readonly string[] {
    return this.#ready.map(({ device }) => device);
  }

  get parameters(): readonly ParameterInfo[] {
    return this.#ready[0]?.parameters ?? [];
  }

  /** What the recipe built. Known after `open`. */
  get modelInfo(): Omit<ReadyReport, 'device'> {
    if (!this.#ready[0]) throw notOpen();
    return this.#ready[0];
  }

  /** @throws RecipeError, DeviceError, EngineError, ReplicaError, StallError */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { devices, engine, recipe, imageShape, classes, seed = 42, signal } = this.#options;
    const { stallTimeoutMs = 120_000, startTimeoutMs = 120_000 } = this.#options;
    const engineSettings = resolveEngineSettings(this.#options);
    if (signal?.aborted)
      throw new AbortedError('the run was aborted before it began', { cause: signal.reason });
    const group = new ReplicaGroup({
      devices,
      startTimeoutMs,
      onOutput: this.#options.onOutput ?? (() => {}),
      settings: { engine, engineSettings, recipe, imageShape, classes, seed, stallTimeoutMs },
    });
    this.#group = group;
    signal?.addEventListener('abort', this.#abort, { once: true });
    this.#ready = await group.ready();
    this.#requireSameModel();
    const [{ parameters, stateSize, outputShape }] = this.#ready;
    const length = parameters.reduce((n, { size }) => n + size, stateSize);
    const buffers = devices.map(() => new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
    group.share({ share: 'ring', buffers });
    await group.requestOne(0, { op: 'publish' });
    await group.request<'adopt'>(() => ({ op: 'adopt', from: 0 }));
    this.#memory = new PredictionMemory(group, outputShape);
    this.#sharder = new Sharder(group);
  }

  readonly #abort = (): void => this.#group?.abort(this.#options.signal?.reason);

  /** Ends all replica threads; done when the last one is gone. Idempotent. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    await this.#group?.close();
  }

  async setOptimizer(spec: OptimizerSpec): Promise<void> {
    await this.#all({ op: 'optimizer', spec });
  }

  async predict(
    batch: Batch,
    { training, predictions = false }: StepOptions,
  ): Promise<Predictions | undefined> {
    await this.#verifier.before(batch, training, this.#step);
    this.#memory?.reserve(predictions ? batch.ring.layout.capacity : 0);
    const shards = this.#divide(batch);
    const step = this.#step;
    await this.#running.request<'predict'>(rank => ({
      op: 'predict',
      shard: shards[rank],
      training,
      predictions,
      step,
    }));
    return predictions ? this.#memory?.read(batch.size) : undefined;
  }

  async getLoss(): Promise<Pick<StepResult, 'loss' | 'metrics'>> {
    return mergeLosses(await this.#all({ op: 'loss' }));
  }

  async backward(): Promise<void> {
    await this.#all({ op: 'backward' });
  }

  async step(groups: readonly GroupSettings[]): Promise<void> {
    await this.#all({ op: 'step', groups });
    await this.#stepped();
  }

  async zeroGrad(factor = 0): Promise<void> {
    await this.#all({ op: 'zeroGrad', factor });
  }

  async trainBatch(
    batch: Batch,
    groups: readonly GroupSettings[],
    { predictions = false }: { predictions?: boolean } = {},
  ): Promise<StepResult> {
    await this.#verifier.before(batch, true, this.#step);
    const step = this.#step;
    const reports = await this.#runBatch(batch, predictions, shard => ({
      op: 'train',
      shard,
      groups,
      predictions,
      step,
    }));
    await this.#stepped();
    return reports;
  }

  async validBatch(
    batch: Batch,
    { predictions = false }: { predictions?: boolean } = {},
  ): Promise<StepResult> {
    await this.#verifier.before(batch, false, this.#step);
    const step = this.#step;
    return this.#runBatch(batch, predictions, shard => ({ op: 'valid', shard, predictions, step }));
  }

  /** Checksum of all weights, by replica. */
  checksums(): Promise<string[]> {
    return this.#all({ op: 'checksum' });
  }

  /**
   * @returns the checksums, one per replica and all equal
   * @throws ReplicasDivergedError when not all of them hold bitwise the same weights
   */
  verifyReplicas(): Promise<readonly string[]> {
    return this.#verifier.verify(this.#step);
  }

  /** The trained model, from replica 0. */
  model(): Promise<ModelReport> {
    return this.#running.requestOne<'model'>(0, { op: 'model' });
  }

  /** What each replica holds on its device. */
  memory(): Promise<MemoryReport[]> {
    return this.#all({ op: 'memory' });
  }

  get #running(): ReplicaGroup {
    if (!this.#group || !this.#memory) throw notOpen();
    return this.#group;
  }

  #divide(batch: Batch): Shard[] {
    if (!this.#sharder) throw notOpen();
    return this.#sharder.divide(batch);
  }

  #all<Op extends Command['op']>(command: Extract<Command, { op: Op }>) {
    return this.#running.request<Op>(() => command);
  }

  async #runBatch(
    batch: Batch,
    predictions: boolean,
    command: (shard: Shard) => Extract<Command, { op: 'train' | 'valid' }>,
  ): Promise<StepResult> {
    this.#memory?.reserve(predictions ? batch.ring.layout.capacity : 0);
    const shards = this.#divide(batch);
    const reports: StepReport[] = await this.#running.request<'train' | 'valid'>(rank =>
      command(shards[rank]),
    );
    return { ...mergeSteps(reports), predictions: predictions ? this.#memory?.read(batch.size) : undefined };
  }

  async #stepped(): Promise<void> {
    this.#step++;
    await this.#verifier.stepped(this.#step);
  }

  #requireSameModel(): void {
    const shapes = this.#ready.map(({ parameters, stateSize }) =>
      JSON.stringify([parameters.map(({ shape }) => shape), stateSize]),
    );
    const odd = shapes.findIndex(text => text !== shapes[0]);
    if (odd < 0) return;
    throw new RecipeError(`model() built another model on replica ${odd} than on replica 0`, {
      replica: odd,
      hint: 'the model may depend only on the context it is given',
    });
  }
}

const notOpen = (): ConfigError => new ConfigError('the coordinator is not open: await open() first');
