/**
 * All that the Learner knows of the coordinator: the five steps of the training loop, each for all replicas
 * at once, and a fused form of them. Implemented by `coordinator/coordinator.ts`; tests use a fake.
 */
import type { Batch } from './batch.js';
import type { HookReport, HookSpec } from './hooks.js';
import type { LayerInfo } from './model-info.js';
import type { GroupSettings, OptimizerSpec, ParameterInfo, TrainingState } from './optimizer.js';

/** Model outputs of a whole global batch, in batch order. Valid until the next prediction. */
export interface Predictions {
  /** float32, row-major, in shared memory. */
  readonly data: Float32Array;
  /** [size, …output shape]. */
  readonly shape: readonly number[];
}

export interface StepOptions {
  /** Record the tape, use batch statistics, keep what backward needs. */
  readonly training: boolean;
  /** Bring the predictions to the coordinator. */
  readonly predictions?: boolean;
}

/** Sum and count of a quantity over the samples of a batch: merged by adding, divided once at the end. */
export interface Tally {
  readonly sum: number;
  readonly count: number;
}

/** Milliseconds of a step on one replica. */
export interface ReplicaTimes {
  /** Upload, augmentation, forward and backward pass. */
  readonly compute: number;
  /** All-reduce, the wait for slower replicas included. */
  readonly allReduce: number;
  readonly update: number;
}

/** Milliseconds a step took, the slowest replica's figure for each part. */
export interface StepTimes extends ReplicaTimes {
  /** In rank order. */
  readonly replicas: readonly ReplicaTimes[];
}

export interface StepResult {
  /** Sum over the samples of the per-sample loss. */
  readonly loss: Tally;
  /** The recipe's own metrics, by name. */
  readonly metrics: Readonly<Record<string, Tally>>;
  /** Present when asked for. */
  readonly predictions?: Predictions;
  readonly times: StepTimes;
  /** What hooks saw, by replica. */
  readonly hooks?: ReplicaHooks;
}

/** Reports of hooks: one list per replica that had samples, in rank order. */
export type ReplicaHooks = readonly (readonly HookReport[])[];

/** At least one of them. */
export interface ClipOptions {
  /** Largest L2 norm of all gradients together. */
  readonly norm?: number;
  /** Largest absolute value of each gradient. */
  readonly value?: number;
}

/** Which optional parts of the state to read. */
export interface StateParts {
  readonly optimizer?: boolean;
  readonly gradients?: boolean;
  /** The running average of all weights. */
  readonly average?: boolean;
}

/** What a replica holds on its device. */
export interface ReplicaMemory {
  readonly tensors: number;
  /** Bytes the engine holds in tensors. */
  readonly bytes: number;
}

export interface StepRunner {
  /** Devices in replica order, such as `wasm:0`. Known after `open`. */
  readonly devices: readonly string[];
  /** Trainable parameters. Known after `open`. */
  readonly parameters: readonly ParameterInfo[];
  /** Moving statistics and other weights without a gradient. Known after `open`. */
  readonly buffers: readonly ParameterInfo[];
  /** Layers of the model. Known after `open`. */
  readonly layers: readonly LayerInfo[];

  /** Starts the replicas. Calling it again does nothing. */
  open(): Promise<void>;
  /** Gives every replica a fresh optimizer: no moments, step count 0. */
  setOptimizer(spec: OptimizerSpec): Promise<void>;

  /** Forward pass. Drops whatever an earlier, unfinished step left behind. */
  predict(batch: Batch, options: StepOptions): Promise<Predictions | undefined>;
  /** Loss of the last prediction. */
  getLoss(): Promise<Pick<StepResult, 'loss' | 'metrics' | 'hooks'>>;
  /**
   * Backward pass and all-reduce; adds `weight` (default 1) times the gradients to those kept since the last
   * `zeroGrad`.
   *
   * @returns what gradient hooks saw
   */
  backward(options?: { weight?: number }): Promise<Pick<StepResult, 'hooks'>>;
  /**
   * Clips the kept gradients, as PyTorch's `clip_grad_norm_` and `clip_grad_value_`.
   *
   * @returns their L2 norm before
   */
  clipGradients(options: ClipOptions): Promise<number>;
  /** Optimizer step, one `GroupSettings` per group of the installed optimizer. */
  step(groups: readonly GroupSettings[]): Promise<void>;
  /** Multiplies the kept gradients by `factor` (0: clears them; 0.85: momentum kept in the gradients). */
  zeroGrad(factor?: number): Promise<void>;

  /** predict, getLoss, backward, step, zeroGrad as one message to each replica. */
  trainBatch(
    batch: Batch,
    groups: readonly GroupSettings[],
    options?: { predictions?: boolean },
  ): Promise<StepResult>;
  /** predict and getLoss without a tape, as one message. */
  validBatch(batch: Batch, options?: { predictions?: boolean }): Promise<StepResult>;

  /**
   * The inputs that the model gets for this batch, after all transforms: [size, height, width, channels]. With
   * `training` as in a training step, with its mix.
   */
  inputs(batch: Batch, options?: { training?: boolean }): Promise<Predictions>;
  /**
   * Puts these hooks on the layers, in the place of all earlier ones.
   *
   * @param onReports gets what they saw of each step, before the promise of that step is kept; what it throws, the
   * step throws
   * @throws ConfigError for a layer or a hook function that the replicas have not got
   */
  setHooks(hooks: readonly HookSpec[], onReports?: (reports: ReplicaHooks) => void): Promise<void>;
  /** A copy of replica 0's state: parameters and buffers, and the parts asked for as far as there are any. */
  getState(parts?: StateParts): Promise<TrainingState>;
  /**
   * Gives all replicas this state. Parts that are absent (optimizer, gradients, average) stay as they are.
   *
   * @throws CheckpointError naming what does not fit the model; nothing has changed then
   */
  setState(state: TrainingState): Promise<void>;
  /**
   * Moves the running average of all weights towards the present ones: average = decay · average + (1 − decay) ·
   * weights. The first call makes it a copy.
   */
  average(decay: number): Promise<void>;
  /**
   * Exchanges the weights and their running average.
   *
   * @throws LearnerError when there is none
   */
  swapAverage(): Promise<void>;
  /** Forgets the running average. */
  dropAverage(): Promise<void>;
  /** In replica order, where the runner can tell. */
  memory?(): Promise<readonly ReplicaMemory[]>;
}
