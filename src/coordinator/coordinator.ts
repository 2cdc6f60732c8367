/**
 * Drives the replicas of one run: starts them on their devices with equal weights, divides every batch among
 * them, and runs the steps of the training loop on all of them at once. This is the `StepRunner` the Learner
 * knows. It prints nothing, installs no handlers, and keeps nothing outside the object.
 */
import { ConfigError, RecipeError, ReplicasDivergedError } from '../errors.js';
import type { Batch, ImageShape, SlotRing } from '../protocol/batch.js';
import type {
  Command,
  LayerInfo,
  MemoryReport,
  ModelReport,
  ReadyReport,
  RecipeReference,
  Shard,
  StepReport,
} from '../protocol/messages.js';
import type { GroupSettings, OptimizerSpec, ParameterInfo } from '../protocol/optimizer.js';
import type { Predictions, StepOptions, StepResult, StepRunner } from '../protocol/step-runner.js';
import { PredictionMemory } from './prediction-memory.js';
import { ReplicaGroup } from './replica-group.js';
import { mergeLosses, mergeSteps } from './reports.js';
import { shardBounds } from './shards.js';

export interface CoordinatorOptions {
  /** Engine that opens the devices: `wasm`, `cpu` or `tensorflow`. */
  readonly engine: string;
  /** One replica each, such as `['wasm:0', 'wasm:1']`. */
  readonly devices: readonly string[];
  readonly recipe: RecipeReference;
  /** [height, width, channels] of the data. */
  readonly imageShape: ImageShape;
  readonly classes: readonly string[];
  /** Keys every random number of the run. Default 42. */
  readonly seed?: number;
  /**
   * When to compare the checksums of all replicas. Default `epoch`: before each validation, and before each new
   * epoch's first batch.
   */
  readonly verify?: 'step' | 'epoch' | 'off';
  /** Longest step, in ms, before the run ends with a StallError. Default 120 000. */
  readonly stallTimeoutMs?: number;
  /** Longest start of a replica, in ms. Default 120 000. */
  readonly startTimeoutMs?: number;
  /** Gets what the recipe prints, by replica. Default: it is dropped. */
  readonly onOutput?: (replica: number, text: string) => void;
  /** Ends the run at once, in the middle of a step. */
  readonly signal?: AbortSignal;
}

export class Coordinator implements StepRunner {
  readonly #options: CoordinatorOptions;
  readonly #rings = new WeakMap<SlotRing, number>();
  #ringCount = 0;
  #group?: ReplicaGroup;
  #opening?: Promise<void>;
  #ready: readonly ReadyReport[] = [];
  #memory?: PredictionMemory;
  #step = 0;
  #unverifiedSteps = 0;

  /** @throws ConfigError when no device is given */
  constructor(options: CoordinatorOptions) {
    if (options.devices.length === 0) throw new ConfigError('a coordinator needs at least one device');
    this.#options = options;
  }

  get devices(): readonly string[] {
    return this.#ready.map(({ device }) => device);
  }

  get parameters(): readonly ParameterInfo[] {
    return this.#ready[0]?.parameters ?? [];
  }

  get modelName(): string {
    return this.#ready[0]?.modelName ?? '';
  }

  /** Rows of the model's summary. */
  get layers(): readonly LayerInfo[] {
    return this.#ready[0]?.layers ?? [];
  }

  /** Names of the metrics that the recipe computes on the devices. */
  get recipeMetrics(): readonly string[] {
    return this.#ready[0]?.metrics ?? [];
  }

  /** Whether the model's output is one score per class, so that accuracy means something. */
  get classifies(): boolean {
    return this.#ready[0]?.classifies ?? false;
  }

  /** Optimizer steps done since `open`. */
  get steps(): number {
    return this.#step;
  }

  /** @throws RecipeError, DeviceError, EngineError, ReplicaError, StallError */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { devices, engine, recipe, imageShape, classes, seed = 42, signal } = this.#options;
    const { stallTimeoutMs = 120_000, startTimeoutMs = 120_000 } = this.#options;
    signal?.throwIfAborted();
    const group = new ReplicaGroup({
      devices,
      startTimeoutMs,
      onOutput: this.#options.onOutput ?? (() => {}),
      settings: { engine, recipe, imageShape, classes, seed, stallTimeoutMs },
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
    await this.#verifyAtEpochEnd(batch, training);
    this.#memory?.reserve(predictions ? batch.ring.layout.capacity : 0);
    const shards = this.#shards(batch);
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
    await this.#verifyAtEpochEnd(batch, true);
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
    await this.#verifyAtEpochEnd(batch, false);
    const step = this.#step;
    return this.#runBatch(batch, predictions, shard => ({ op: 'valid', shard, predictions, step }));
  }

  /** Checksum of all weights, by replica. */
  checksums(): Promise<string[]> {
    return this.#all({ op: 'checksum' });
  }

  /** @throws ReplicasDivergedError when not all replicas hold bitwise the same weights */
  async verifyReplicas(): Promise<string> {
    const checksums = await this.checksums();
    this.#unverifiedSteps = 0;
    const odd = checksums.findIndex(checksum => checksum !== checksums[0]);
    if (odd < 0) return checksums[0];
    throw new ReplicasDivergedError(
      `after step ${this.#step} replica ${odd} holds other weights than replica 0: ${checksums.join(', ')}`,
      {
        replica: odd,
        step: this.#step,
        hint: 'a recipe that draws random numbers of its own can cause this',
      },
    );
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
    if (!this.#group || !this.#memory)
      throw new ConfigError('the coordinator is not open: await open() first');
    return this.#group;
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
    const shards = this.#shards(batch);
    const reports: StepReport[] = await this.#running.request<'train' | 'valid'>(rank =>
      command(shards[rank]),
    );
    return { ...mergeSteps(reports), predictions: predictions ? this.#memory?.read(batch.size) : undefined };
  }

  /** Each replica's part of the batch; a loader's slots are shared when they are first seen. */
  #shards({ ring, slot, size, epoch, index, transforms }: Batch): Shard[] {
    let number = this.#rings.get(ring);
    if (number === undefined) {
      number = this.#ringCount++;
      this.#rings.set(ring, number);
      this.#running.share({ share: 'slots', ring: number, layout: ring.layout, buffers: ring.buffers });
    }
    const place = { ring: number, slot, size, epoch, index, transforms };
    return shardBounds(size, this.#running.size).map(bounds => ({ ...place, ...bounds }));
  }

  async #stepped(): Promise<void> {
    this.#step++;
    this.#unverifiedSteps++;
    if (this.#options.verify === 'step') await this.verifyReplicas();
  }

  /** Compares the replicas when training pauses: before validation, and before a new epoch's first batch. */
  async #verifyAtEpochEnd(batch: Batch, training: boolean): Promise<void> {
    const { verify = 'epoch' } = this.#options;
    if (verify !== 'epoch' || this.#unverifiedSteps === 0) return;
    if (!training || batch.index === 0) await this.verifyReplicas();
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
