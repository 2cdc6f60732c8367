/**
 * Everything that coordinator and replicas say to each other, as types.
 *
 * Commands and replies are control messages: plain data, packed by msgpackr (codec.ts), answered one for one
 * in the order they were sent. Shared memory cannot be packed: it travels beside them as a `Share`.
 */
import type { WireError } from '../errors.js';
import type { ImageShape, MixSpec, SlotLayout, TransformSpec } from './batch.js';
import type { EngineSettings } from './engine-settings.js';
import type { HookReport, HookSpec } from './hooks.js';
import type { LossSpec } from './loss.js';
import type { LayerInfo } from './model-info.js';
import type { GroupSettings, OptimizerSpec, ParameterInfo } from './optimizer.js';
import type { ClipOptions, ReplicaMemory, StateParts, Tally } from './step-runner.js';

/** What a replica thread is started with (`workerData`). */
export interface ReplicaSettings {
  readonly rank: number;
  readonly replicas: number;
  readonly engine: string;
  readonly device: string;
  readonly engineSettings: EngineSettings;
  readonly recipe: RecipeReference;
  /** In the place of the recipe's. */
  readonly loss?: LossSpec;
  readonly imageShape: ImageShape;
  readonly classes: readonly string[];
  readonly seed: number;
  /** Longest wait for another replica, in ms. */
  readonly stallTimeoutMs: number;
  /** Laid out in allreduce/control-block.ts. */
  readonly control: SharedArrayBuffer;
}

export interface RecipeReference {
  /** URL of the module whose default export is the recipe. */
  readonly url: string;
  /** JSON handed to the recipe's functions. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A replica's place among those that train together, which changes when one of them is lost. */
export interface RingPlace {
  readonly rank: number;
  /** Laid out in allreduce/control-block.ts. */
  readonly control: SharedArrayBuffer;
  /** One for each replica, in rank order. */
  readonly buffers: readonly SharedArrayBuffer[];
}

/** Shared memory handed over once: the ring's buffers, predictions, a loader's slots; or those given up again. */
export type Share =
  | ({ readonly share: 'ring' } & RingPlace)
  | { readonly share: 'predictions'; readonly buffer: SharedArrayBuffer }
  | { readonly share: 'inputs'; readonly buffer: SharedArrayBuffer }
  /** Training state on its way to or from replicas; laid out in worker/state-buffer.ts. */
  | { readonly share: 'state'; readonly buffer: SharedArrayBuffer }
  | { readonly share: 'no slots'; readonly ring: number }
  | {
      readonly share: 'slots';
      readonly ring: number;
      readonly layout: SlotLayout;
      readonly buffers: readonly SharedArrayBuffer[];
    };

/** A replica's part of a global batch: samples `offset … offset + count − 1` of a slot. */
export interface Shard {
  /** Which loader's slots, by the number given in its `Share`. */
  readonly ring: number;
  readonly slot: number;
  readonly offset: number;
  readonly count: number;
  /** Size of the global batch. */
  readonly size: number;
  readonly epoch: number;
  readonly index: number;
  readonly transforms: readonly TransformSpec[];
  readonly mix?: MixSpec;
}

export type Command =
  | { readonly op: 'publish' }
  | { readonly op: 'adopt'; readonly from: number }
  | { readonly op: 'optimizer'; readonly spec: OptimizerSpec }
  | {
      readonly op: 'predict';
      readonly shard: Shard;
      readonly training: boolean;
      readonly predictions: boolean;
      readonly step: number;
    }
  | { readonly op: 'loss' }
  | { readonly op: 'backward'; readonly weight: number }
  | { readonly op: 'clip'; readonly clip: ClipOptions }
  /** With `clear` as `zeroGrad` with factor 0, too. */
  | { readonly op: 'step'; readonly groups: readonly GroupSettings[]; readonly clear?: boolean }
  | { readonly op: 'zeroGrad'; readonly factor: number }
  | {
      readonly op: 'train';
      readonly shard: Shard;
      /** Without them it ends before the optimizer step, which is then a command of its own. */
      readonly groups?: readonly GroupSettings[];
      readonly predictions: boolean;
      readonly step: number;
    }
  | { readonly op: 'valid'; readonly shard: Shard; readonly predictions: boolean; readonly step: number }
  | { readonly op: 'inputs'; readonly shard: Shard; readonly training: boolean }
  | { readonly op: 'hooks'; readonly hooks: readonly HookSpec[] }
  /**
   * Tells which parts of the state there are, so that memory for them can be shared; with `spec` what an optimizer made
   * of it would keep.
   */
  | { readonly op: 'describeState'; readonly parts: StateParts; readonly spec?: OptimizerSpec }
  | { readonly op: 'writeState'; readonly parts: StateParts }
  | { readonly op: 'readState'; readonly state: StateDescription }
  | { readonly op: 'average'; readonly decay: number }
  | { readonly op: 'swapAverage' }
  | { readonly op: 'dropAverage' }
  /** Takes back all that the batch in progress has changed, as if it had never been given. */
  | { readonly op: 'rollback' }
  | { readonly op: 'checksum' }
  | { readonly op: 'model' }
  | { readonly op: 'memory' }
  | { readonly op: 'close' };

export type CommandOf<Op extends Command['op']> = Extract<Command, { op: Op }>;

/** What lies in the shared memory of a state, besides parameters and buffers. */
export interface StateDescription {
  readonly optimizer?: {
    readonly spec: OptimizerSpec;
    readonly steps: readonly number[];
    /** Names of the moments, in their order in memory. */
    readonly buffers: readonly string[];
  };
  readonly gradients?: boolean;
  readonly average?: boolean;
}

/** First message of a replica: its model stands. */
export interface ReadyReport {
  /** The device it really runs on. */
  readonly device: string;
  readonly modelName: string;
  readonly parameters: readonly ParameterInfo[];
  /** Non-trainable weights, such as moving statistics. */
  readonly buffers: readonly ParameterInfo[];
  /** Without the batch dimension. */
  readonly outputShape: readonly number[];
  readonly layers: readonly LayerInfo[];
  /** Names of the recipe's own metrics. */
  readonly metrics: readonly string[];
  /** Names of the recipe's own hook functions. */
  readonly hooks: readonly string[];
  /** Names of the recipe's own optimizers. */
  readonly optimizers: readonly string[];
  /** Whether the output is one score per class. */
  readonly classifies: boolean;
}

export interface LossReport {
  readonly loss: Tally;
  readonly metrics: Readonly<Record<string, Tally>>;
  /** Absent where no hook saw anything. */
  readonly hooks?: readonly HookReport[];
}

export interface StepReport extends LossReport {
  readonly computeMs: number;
  readonly allReduceMs: number;
  readonly updateMs: number;
}

export type MemoryReport = ReplicaMemory;

/** What `tf.io` calls model artifacts, as far as gradring writes them. */
export interface ModelReport {
  /** JSON text of the model's topology. */
  readonly topology: string;
  readonly weightSpecs: readonly { name: string; shape: number[]; dtype: string }[];
  /** Little-endian values, in the order of `weightSpecs`. */
  readonly weightData: Uint8Array;
}

/** The answer to each command. */
export interface Results {
  publish: undefined;
  adopt: undefined;
  optimizer: undefined;
  predict: undefined;
  loss: LossReport;
  backward: { readonly allReduceMs: number; readonly hooks?: readonly HookReport[] };
  /** L2 norm of the gradients before. */
  clip: number;
  inputs: undefined;
  hooks: undefined;
  describeState: StateDescription;
  writeState: undefined;
  readState: undefined;
  average: undefined;
  swapAverage: undefined;
  dropAverage: undefined;
  rollback: undefined;
  step: { readonly updateMs: number };
  zeroGrad: undefined;
  train: StepReport;
  valid: StepReport;
  checksum: string;
  model: ModelReport;
  memory: MemoryReport;
  close: undefined;
}

export type Reply =
  | { readonly ok: true; readonly result: Results[Command['op']] }
  | { readonly ok: false; readonly error: WireError };

/** A replica's first message. */
export type Greeting =
  | { readonly ok: true; readonly ready: ReadyReport }
  | { readonly ok: false; readonly error: WireError };
