import type { TimeShares } from '../callbacks/time-account.js';

/** What a run came to: `summary.json`. */
export interface TrainSummary {
  readonly engine: string;
  /** Device of each replica. */
  readonly replicas: readonly string[];
  /** Epochs trained in full, those before a resume included. */
  readonly epochs: number;
  readonly trainLoss: number | null;
  readonly validLoss: number | null;
  /** On the validation set, 0 … 1. */
  readonly accuracy: number | null;
  /** Training images per second, over all epochs. */
  readonly imagesPerSecond: number | null;
  /** Share of the training time spent waiting for data, over all epochs, 0 … 1. */
  readonly dataShare: number | null;
  /** Where the time of `seconds` went. */
  readonly timeShares: TimeShares;
  /** From the first batch to the last, without set-up. */
  readonly seconds: number;
  /** From the call of `train()` to the end of its first step: data, devices, replicas and one batch. */
  readonly secondsToFirstStep: number | null;
  /** Trainable parameters. */
  readonly parameters: number;
  /** Of all weights, one per replica: equal, or something is wrong. */
  readonly replicaChecksums: readonly string[];
  /** Whether a signal ended the run before its last epoch. */
  readonly stopped: boolean;
  /** Which bound ended the run before its last epoch, if one did: early stopping, steps, time. */
  readonly stopReason?: string;
  /** Absent after a dry run. */
  readonly folder?: string;
}
