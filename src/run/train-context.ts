/** What the caller of `train()` gives and is given beside the settings. */
import type { DataProgress } from '../data/parquet/parquet-splits.js';
import type { Callback } from '../learner/callback.js';
import type { Position } from '../learner/position.js';
import type { LayerInfo } from '../protocol/model-info.js';
import type { RunWarning } from '../protocol/warning.js';
import type { TrainConfig } from './config.js';
import type { EpochRecord } from './epoch-record.js';
import type { Logger } from './run-log.js';

/** What is known before the first step. */
export interface RunStart {
  readonly config: TrainConfig;
  readonly engine: string;
  readonly devices: readonly string[];
  /** Set where the devices are not what was asked for. */
  readonly deviceNote?: string;
  readonly data: { readonly name: string; readonly train: number; readonly valid: number };
  readonly model: {
    readonly name: string;
    readonly parameters: number;
    readonly layers: readonly LayerInfo[];
  };
  /** Decode threads. */
  readonly workers: number;
  /** What would make loading faster, if anything. */
  readonly advice?: string;
  /** Absent in a dry run. */
  readonly folder?: string;
  /** Where a resumed run goes on. */
  readonly resumed?: {
    /** Path of the checkpoint, without extension. */
    readonly from: string;
    readonly position: Position;
    /** Optimizer steps done. */
    readonly step: number;
    /** Settings that differ from those it had, such as `lr 0.01 → 0.001`. */
    readonly changed: readonly string[];
  };
}

export interface TrainContext {
  /** Stands in every record of the log. Default: the name of the run folder. */
  readonly id?: string;
  /** Ends the run after the current step; the model is saved all the same. */
  readonly signal?: AbortSignal;
  /** Ends the run at once, in the middle of a step: nothing more is saved, and it rejects with an `AbortedError`. */
  readonly abortSignal?: AbortSignal;
  /** Gets what `log.jsonl` gets. */
  readonly logger?: Logger;
  /** Added to those of the run, such as a `ProgressCB`. */
  readonly callbacks?: readonly Callback[];
  /** Told where the run folder is and what all settings are, as soon as it was made. */
  readonly onFolder?: (path: string, config: TrainConfig) => void;
  /** Save a checkpoint before the first step, too, where `onReplicaFailure` is not `fail`. Default false. */
  readonly savesAtStart?: boolean;
  /** Told while the data are downloaded or unpacked. */
  readonly onDataProgress?: (progress: DataProgress) => void;
  /** Called once, before the first step, and awaited: what it throws ends the run. */
  readonly onStart?: (start: RunStart) => unknown;
  /** Gets what the recipe prints, which also goes to the log. */
  readonly onOutput?: (replica: number, text: string) => void;
  /** Told what a person should know of a run that goes on all the same. */
  readonly onWarning?: (warning: RunWarning) => void;
  /** Told of each checkpoint that is complete on the disk: its path without extension, and the steps it has seen. */
  readonly onCheckpoint?: (checkpoint: { readonly path: string; readonly step: number }) => void;
  /** Called after every epoch, and awaited: what it throws ends the run. */
  readonly onEpoch?: (record: EpochRecord) => unknown;
}
