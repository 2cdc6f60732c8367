import type { ImageShape } from '../protocol/batch.js';
import type { EngineSettings } from '../protocol/engine-settings.js';
import type { FailurePolicy } from '../protocol/failure-policy.js';
import type { LossSpec } from '../protocol/loss.js';
import type { RecipeReference } from '../protocol/messages.js';
import type { RunWarning } from '../protocol/warning.js';

export interface CoordinatorOptions {
  /** Engine that opens the devices: `torch`, `wasm`, `cpu` or `tensorflow`. */
  readonly engine: string;
  /** How it computes. Default: fp32, and the processor's cores shared out among the replicas. */
  readonly engineSettings?: Partial<EngineSettings>;
  /** One replica each, such as `['wasm:0', 'wasm:1']`. */
  readonly devices: readonly string[];
  readonly recipe: RecipeReference;
  /** In the place of the recipe's. */
  readonly loss?: LossSpec;
  /** [height, width, channels] of the data. */
  readonly imageShape: ImageShape;
  readonly classes: readonly string[];
  /** Keys every random number of the run. Default: that of `setSeed`, 42. */
  readonly seed?: number;
  /**
   * When to compare the checksums of all replicas. Default `epoch`: before each validation, and before each new
   * epoch's first batch.
   */
  readonly verify?: 'step' | 'epoch' | 'off';
  /** Longest step, in ms, before the replica it waits for counts as failed. Default 120 000. */
  readonly stallTimeoutMs?: number;
  /** Longest step, in ms, before a warning names the replica it waits for. Default 15 000. */
  readonly stallWarningMs?: number;
  /**
   * What becomes of the run when a replica throws, ends or stalls. `fail` (default): it ends. `restart`: the replica is
   * started again with the state of another one, and the step is done again: the result is bitwise what it would have
   * been. `shrink`: the others go on without it, with the batches divided among them.
   */
  readonly onReplicaFailure?: FailurePolicy;
  /** Replicas started again before the run ends all the same. Default 3. */
  readonly maxRestarts?: number;
  /** Told of a step that takes long, and of replicas that are started again or given up. */
  readonly onWarning?: (warning: RunWarning) => void;
  /** Longest start of a replica, in ms. Default 120 000. */
  readonly startTimeoutMs?: number;
  /** Gets what the recipe prints, by replica. Default: it is dropped. */
  readonly onOutput?: (replica: number, text: string) => void;
  /** Ends the run at once, in the middle of a step. */
  readonly signal?: AbortSignal;
}
