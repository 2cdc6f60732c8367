/**
 * Drives the replicas of one run: starts them on their devices with equal weights, divides every batch among
 * them, and runs the steps of the training loop on all of them at once. This is the `StepRunner` the Learner
 * knows. What becomes of a replica that fails is the supervisor's (supervisor.ts). It prints nothing, installs no
 * handlers, and keeps nothing outside the object.
 *
 * When the run is to end because of a replica, the batch in progress is either finished by the others or taken back,
 * and the next one is refused: what `getState` then gives belongs to the steps that were reported as done.
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
  Results,
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
import type { BatchMemory } from './batch-memory.js';
import { checkOptimizer } from './check-optimizer.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { ReplicaVerifier } from './replica-verifier.js';
import { collectHooks, mergeLosses, mergeSteps } from './reports.js';
import { type CommandKind, Supervisor } from './supervisor.js';

/** Of commands that every replica does for itself. */
const ownChange: CommandKind = { isOwnChange: true, whenEnding: true };
const question: CommandKind = { whenEnding: true };

export class Coordinator implements StepRunner {
  readonly #options: CoordinatorOptions;
  readonly #verifier: ReplicaVerifier;
  #supervisor?: Supervisor;
  #opening?: Promise<void>;
  #isOpen = false;
  #step = 0;

  /** @throws ConfigError when no device is given */
  constructor(options: CoordinatorOptions) {
    if (options.devices.length === 0) throw new ConfigError('a coordinator needs at least one device');
    this.#options = options;
    this.#verifier = new ReplicaVerifier(options.verify ?? 'epoch', afterStep =>
      this.#all({ op: 'checksum' }, { whenEnding: afterStep }),
    );
  }

  /** Those of the replicas there are: fewer than at the beginning where one was lost and not replaced. */
  get devices(): readonly string[] {
    return this.#ready.map(({ device }) => device);
  }

  get parameters(): readonly ParameterInfo[] {
    return this.#ready[0]?.parameters ?? [];
  }

  get buffers(): readonly ParameterInfo[] {
    return this.#ready[0]?.buffers ?? [];
  }

  get layers(): readonly LayerInfo[] {
    return this.#ready[0]?.layers ?? [];
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
    this.#supervisor = new Supervisor(this.#options);
    this.#options.signal?.addEventListener('abort', this.#abort, { once: true });
    await this.#supervisor.open();
    this.#isOpen = true;
  }

  readonly #abort = (): void => this.#supervisor?.abort(this.#options.signal?.reason);

  /** Ends all replica threads; done when the last one is gone. Idempotent. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    await this.#supervisor?.close();
  }

  async setOptimizer(spec: OptimizerSpec): Promise<void> {
    checkOptimizer(spec, this.modelInfo);
    await this.#all({ op: 'optimizer', spec }, ownChange);
  }

  async predict(
    batch: Batch,
    { training, predictions = false }: StepOptions,
  ): Promise<Predictions | undefined> {
    await this.#verifier.before(batch, training, this.#step);
    const step = this.#step;
    await this.#onShards<'predict'>(
      batch,
      this.#rowsFor(predictions),
      shard => ({ op: 'predict', shard, training, predictions, step }),
      { batch: 'begins' },
    );
    return this.#predictions(batch, predictions);
  }

  async getLoss(): Promise<Pick<StepResult, 'loss' | 'metrics' | 'hooks'>> {
    return this.#deliver(mergeLosses(await this.#all({ op: 'loss' }, { batch: 'continues' })));
  }

  async backward({ weight = 1 }: { weight?: number } = {}): Promise<Pick<StepResult, 'hooks'>> {
    return this.#deliver(collectHooks(await this.#all({ op: 'backward', weight }, { batch: 'continues' })));
  }

  /** @throws ConfigError when no limit is given, or one is not above 0 */
  async clipGradients(options: ClipOptions): Promise<number> {
    const [norm] = await this.#all({ op: 'clip', clip: checkClip(options, 'clipGradients') }, ownChange);
    return norm;
  }

  async step(groups: readonly GroupSettings[]): Promise<void> {
    await this.#all({ op: 'step', groups }, ownChange);
    await this.#stepped();
  }

  async zeroGrad(factor = 0): Promise<void> {
    await this.#all({ op: 'zeroGrad', factor }, ownChange);
  }

  async trainBatch(
    batch: Batch,
    groups: readonly GroupSettings[],
    { predictions = false }: { predictions?: boolean } = {},
  ): Promise<StepResult> {
    await this.#verifier.before(batch, true, this.#step);
    const step = this.#step;
    // A batch that can be done again must not have changed any weights; one that ends the run need not.
    const isOneCommand = (this.#options.onReplicaFailure ?? 'fail') === 'fail';
    const reports = await this.#onShards<'train'>(
      batch,
      this.#rowsFor(predictions),
      shard => ({ op: 'train', shard, groups: isOneCommand ? groups : undefined, predictions, step }),
      { isOwnChange: isOneCommand },
    );
    const updates = isOneCommand
      ? undefined
      : await this.#all({ op: 'step', groups, clear: true }, ownChange);
    const result = this.#stepResult(batch, predictions, reports, updates);
    await this.#stepped();
    return result;
  }

  async validBatch(
    batch: Batch,
    { predictions = false }: { predictions?: boolean } = {},
  ): Promise<StepResult> {
    await this.#verifier.before(batch, false, this.#step);
    const step = this.#step;
    const reports = await this.#onShards<'valid'>(batch, this.#rowsFor(predictions), shard => ({
      op: 'valid',
      shard,
      predictions,
      step,
    }));
    return this.#stepResult(batch, predictions, reports);
  }

  async inputs(batch: Batch, { training = false }: { training?: boolean } = {}): Promise<Predictions> {
    const { inputs } = this.#running.shared;
    await this.#onShards<'inputs'>(batch, inputs, shard => ({ op: 'inputs', shard, training }), {
      batch: 'leaves',
    });
    return inputs.read(batch.size);
  }

  async setHooks(hooks: readonly HookSpec[], onReports?: (reports: ReplicaHooks) => void): Promise<void> {
    const { ready, shared } = this.#running;
    await this.#all(shared.hooks.set(ready[0], hooks, onReports), ownChange);
  }

  getState(parts: StateParts = {}): Promise<TrainingState> {
    const { state } = this.#running.shared;
    return this.#running.ask(group => state.get(group, parts), { batch: 'leaves', whenEnding: true });
  }

  async setState(state: TrainingState): Promise<void> {
    await this.#running.ask(group => this.#running.shared.state.set(group, state));
  }

  /** @throws ConfigError when `decay` is no number of 0 … 1 */
  async average(decay: number): Promise<void> {
    await this.#all(this.#running.shared.state.average(decay), ownChange);
  }

  async swapAverage(): Promise<void> {
    await this.#all(this.#running.shared.state.swapAverage(), ownChange);
  }

  async dropAverage(): Promise<void> {
    await this.#all(this.#running.shared.state.dropAverage(), ownChange);
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
    return this.#running.ask(group => group.requestOne<'model'>(0, { op: 'model' }), question);
  }

  /** What each replica holds on its device. */
  memory(): Promise<MemoryReport[]> {
    return this.#all({ op: 'memory' }, question);
  }

  get #running(): Supervisor {
    if (!this.#isOpen || !this.#supervisor)
      throw new ConfigError('the coordinator is not open: await open() first');
    return this.#supervisor;
  }

  get #ready(): readonly ReadyReport[] {
    return this.#isOpen ? (this.#supervisor?.ready ?? []) : [];
  }

  #all<Op extends Command['op']>(
    command: Extract<Command, { op: Op }>,
    kind?: CommandKind,
  ): Promise<Results[Op][]> {
    return this.#running.run<Results[Op]>(group => group.ask<Op>(() => command), kind);
  }

  /** Gives every replica its shard of a batch. @param rows where they write what is asked for of each sample */
  #onShards<Op extends 'predict' | 'train' | 'valid' | 'inputs'>(
    batch: Batch,
    rows: BatchMemory | undefined,
    command: (shard: Shard) => Extract<Command, { op: Op }>,
    kind?: CommandKind,
  ): Promise<Results[Op][]> {
    const { sharder } = this.#running.shared;
    return this.#running.run<Results[Op]>(group => {
      rows?.reserve(batch.ring.layout.capacity);
      const shards = sharder.divide(batch);
      return group.ask<Op>(rank => command(shards[rank]));
    }, kind);
  }

  #stepResult(
    batch: Batch,
    predictions: boolean,
    reports: readonly StepReport[],
    updates?: readonly Results['step'][],
  ): StepResult {
    const result = mergeSteps(reports, updates);
    return this.#deliver({ ...result, predictions: this.#predictions(batch, predictions) });
  }

  #rowsFor(predictions: boolean): BatchMemory | undefined {
    return predictions ? this.#running.shared.predictions : undefined;
  }

  #predictions({ size }: Batch, wanted: boolean): Predictions | undefined {
    return this.#rowsFor(wanted)?.read(size);
  }

  #deliver<Result extends { readonly hooks?: ReplicaHooks }>(result: Result): Result {
    return this.#running.shared.hooks.deliver(result);
  }

  async #stepped(): Promise<void> {
    this.#step++;
    await this.#verifier.stepped(this.#step);
  }
}
