/**
 * All that the Learner knows of the coordinator: the five steps of the training loop, each for all replicas
 * at once, and a fused form of them. Implemented by `coordinator/coordinator.ts`; tests use a fake.
 */
import type { Batch } from './batch.js';
import type { GroupSettings, OptimizerSpec, ParameterInfo } from './optimizer.js';

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

/** Milliseconds a step took, the slowest replica's figure for each part. */
export interface StepTimes {
  readonly compute: number;
  readonly allReduce: number;
  readonly update: number;
}

export interface StepResult {
  /** Sum over the samples of the per-sample loss. */
  readonly loss: Tally;
  /** The recipe's own metrics, by name. */
  readonly metrics: Readonly<Record<string, Tally>>;
  /** Present when asked for. */
  readonly predictions?: Predictions;
  readonly times: StepTimes;
}

export interface StepRunner {
  /** Devices in replica order, such as `wasm:0`. Known after `open`. */
  readonly devices: readonly string[];
  /** Trainable parameters. Known after `open`. */
  readonly parameters: readonly ParameterInfo[];

  /** Starts the replicas. Calling it again does nothing. */
  open(): Promise<void>;
  /** Gives every replica a fresh optimizer: no moments, step count 0. */
  setOptimizer(spec: OptimizerSpec): Promise<void>;

  /** Forward pass. Drops whatever an earlier, unfinished step left behind. */
  predict(batch: Batch, options: StepOptions): Promise<Predictions | undefined>;
  /** Loss of the last prediction. */
  getLoss(): Promise<Pick<StepResult, 'loss' | 'metrics'>>;
  /** Backward pass and all-reduce; adds to the gradients kept since the last `zeroGrad`. */
  backward(): Promise<void>;
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
}
