/**
 * Drives the replicas of one run: starts them on their devices with equal weights, divides every batch among
 * them, and runs the steps of the training loop on all of them at once. This is the `StepRunner` the Learner
 * knows. It prints nothing, installs no handlers, and keeps nothing outside the object.
 */
import { ConfigError } from '../errors.js';
import type { Batch } from '../protocol/batch.js';
import { checkClip } from '../protocol/check-clip.js';
import type { HookSpec } from '../protocol/hooks.js';
import type {
  Command,
  MemoryReport,
  ModelReport,
  ReadyReport,
  Shard,
  StepReport,
} from '../protocol/messages.js';
import type { LayerInfo } from '../protocol/model-info.js';
import type { GroupSettings, OptimizerSpec, ParameterInfo, TrainingState } from '../protocol/optimizer.js';
import type {
  ClipOptions,
  Predictions,
  ReplicaHooks,
  StateParts,
  StepOptions,
  StepResult,
  StepRunner,
} from '../protocol/step-runner.js';
import { checkOptimizer } from './check-optimizer.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { type OpenReplicas, openReplicas, startReplicas } from './open-replicas.js';
import type { ReplicaGroup } from './replica-group.js';
import { HookReports } from './replica-hooks.js';
import { ReplicaVerifier } from './replica-verifier.js';
import { collectHooks, mergeLosses, mergeSteps } from './reports.js';

export class Coordinator implements StepRunner {
  readonly #options: CoordinatorOptions;
  readonly #verifier: ReplicaVerifier;
  readonly #hooks = new HookReports();
  #group?: ReplicaGroup;
  #opening?: Promise<void>;
  #open?: OpenReplicas;
  #step = 0;

  /** @throws ConfigError when no device is given */
  constructor(options: CoordinatorOptions) {
    if (options.devices.length === 0) throw new ConfigError('a coordinator needs at least one device');
    this.#options = options;
    this.#verifier = new ReplicaVerifier(options.verify ?? 'epoch', () => this.checksums());
  }

  get devices(): readonly string[] {
    return this.#open?.ready.map(({ device }) => device) ?? [];
  }

  get parameters(): readonly ParameterInfo[] {
    return this.#open?.ready[0].parameters ?? [];
  }

  get buffers(): readonly ParameterInfo[] {
    return this.#open?.ready[0].buffers ?? [];
  }

  get layers(): readonly LayerInfo[] {
    return this.#open?.ready[0].layers ?? [];
  }

  /** What the recipe built. Known after `open`. */
  get modelInfo(): Omit<ReadyReport, 'device'> {
    return this.#running.ready[0];
  }

  /** @throws RecipeError, DeviceError, EngineError, ReplicaError, StallError */
  open(): Promise<void> {
    this.#opening ??= this.#start();
    return this.#opening;
  }

  async #start(): Promise<void> {
    const { imageShape, signal } = this.#options;
    this.#group = startReplicas(this.#options);
    signal?.addEventListener('abort', this.#abort, { once: true });
    this.#open = await openReplicas(this.#group, imageShape);
  }

  readonly #abort = (): void => this.#group?.abort(this.#options.signal?.reason);

  /** Ends all replica threads; done when the last one is gone. Idempotent. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    await this.#group?.close();
  }

  async setOptimizer(spec: OptimizerSpec): Promise<void> {
    checkOptimizer(spec, this.modelInfo);
    await this.#all({ op: 'optimizer', spec });
  }

  async predict(
    batch: Batch,
    { training, predictions = false }: StepOptions,
  ): Promise<Predictions | undefined> {
    await this.#verifier.before(batch, training, this.#step);
    const { group, sharder, predictions: memory } = this.#running;
    memory.reserve(predictions ? batch.ring.layout.capacity : 0);
    const shards = sharder.divide(batch);
    const step = this.#step;
    await group.request<'predict'>(rank => ({
      op: 'predict',
      shard: shards[rank],
      training,
      predictions,
      step,
    }));
    return predictions ? memory.read(batch.size) : undefined;
  }

  async getLoss(): Promise<Pick<StepResult, 'loss' | 'metrics' | 'hooks'>> {
    return this.#hooks.deliver(mergeLosses(await this.#all({ op: 'loss' })));
  }

  async backward({ weight = 1 }: { weight?: number } = {}): Promise<Pick<StepResult, 'hooks'>> {
    return this.#hooks.deliver(collectHooks(await this.#all({ op: 'backward', weight })));
  }

  /** @throws ConfigError when no limit is given, or one is not above 0 */
  async clipGradients(options: ClipOptions): Promise<number> {
    const [norm] = await this.#all({ op: 'clip', clip: checkClip(options, 'clipGradients') });
    return norm;
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
    const result = await this.#runBatch(batch, predictions, shard => ({
      op: 'train',
      shard,
      groups,
      predictions,
      step,
    }));
    await this.#stepped();
    return result;
  }

  async validBatch(
    batch: Batch,
    { predictions = false }: { predictions?: boolean } = {},
  ): Promise<StepResult> {
    await this.#verifier.before(batch, false, this.#step);
    const step = this.#step;
    return this.#runBatch(batch, predictions, shard => ({ op: 'valid', shard, predictions, step }));
  }

  async inputs(batch: Batch, { training = false }: { training?: boolean } = {}): Promise<Predictions> {
    const { group, sharder, inputs } = this.#running;
    inputs.reserve(batch.ring.layout.capacity);
    const shards = sharder.divide(batch);
    await group.request<'inputs'>(rank => ({ op: 'inputs', shard: shards[rank], training }));
    return inputs.read(batch.size);
  }

  async setHooks(hooks: readonly HookSpec[], onReports?: (reports: ReplicaHooks) => void): Promise<void> {
    await this.#hooks.set(this.#running, hooks, onReports);
  }

  async getState(parts: StateParts = {}): Promise<TrainingState> {
    return this.#running.state.get(parts);
  }

  async setState(state: TrainingState): Promise<void> {
    await this.#running.state.set(state);
  }

  /** @throws ConfigError when `decay` is no number of 0 … 1 */
  async average(decay: number): Promise<void> {
    await this.#running.state.average(decay);
  }

  async swapAverage(): Promise<void> {
    await this.#running.state.swapAverage();
  }

  async dropAverage(): Promise<void> {
    await this.#running.state.dropAverage();
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
    return this.#running.group.requestOne<'model'>(0, { op: 'model' });
  }

  /** What each replica holds on its device. */
  memory(): Promise<MemoryReport[]> {
    return this.#all({ op: 'memory' });
  }

  get #running(): OpenReplicas {
    if (!this.#open) throw new ConfigError('the coordinator is not open: await open() first');
    return this.#open;
  }

  #all<Op extends Command['op']>(command: Extract<Command, { op: Op }>) {
    return this.#running.group.request<Op>(() => command);
  }

  async #runBatch(
    batch: Batch,
    predictions: boolean,
    command: (shard: Shard) => Extract<Command, { op: 'train' | 'valid' }>,
  ): Promise<StepResult> {
    const { group, sharder, predictions: memory } = this.#running;
    memory.reserve(predictions ? batch.ring.layout.capacity : 0);
    const shards = sharder.divide(batch);
    const reports: StepReport[] = await group.request<'train' | 'valid'>(rank => command(shards[rank]));
    const read = predictions ? memory.read(batch.size) : undefined;
    return this.#hooks.deliver({ ...mergeSteps(reports), predictions: read });
  }

  async #stepped(): Promise<void> {
    this.#step++;
    await this.#verifier.stepped(this.#step);
  }
}
