/** What a person could make faster, or must look at, found at the end of each epoch. */
import type { TimeShares } from '../callbacks/time-account.js';
import type { RunWarning } from '../protocol/warning.js';
import { medianOf } from '../statistics.js';
import type { TrainConfig } from './config.js';

/** What an epoch came to. */
export interface WatchedEpoch {
  /** From 1. */
  readonly epoch: number;
  /** Optimizer steps done. */
  readonly step: number;
  readonly seconds: number;
  /** Of this epoch. */
  readonly timeShares?: TimeShares;
  /** How many there are now. */
  readonly replicas: number;
  /** Share of the whole run up to now that it waited for checkpoints, and how long the run is. */
  readonly checkpoints: { readonly share: number; readonly runSeconds: number };
  /** Of the process, all threads. */
  readonly residentBytes: number;
}

/** Shorter ones are not worth a change, and are measured badly. */
const leastSeconds = 10;

const dataLimit = 0.2;
const slownessLimit = 1.5;
const checkpointLimit = 0.1;
/** Epochs in a row in which memory grew, and by how much together. */
const growth = { epochs: 4, bytes: 256 * 2 ** 20, share: 0.2 };

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export class EpochWatch {
  readonly #config: Pick<TrainConfig, 'cache'>;
  readonly #resident: number[] = [];

  constructor(config: Pick<TrainConfig, 'cache'>) {
    this.#config = config;
  }

  /** What is to be said of this epoch; of the next one perhaps the same again. */
  warningsOf(epoch: WatchedEpoch): RunWarning[] {
    const isLong = epoch.seconds >= leastSeconds;
    const found = [
      ...(isLong ? [this.#dataWarning(epoch), slowReplica(epoch)] : []),
      slowCheckpoints(epoch),
      this.#memoryWarning(epoch),
    ];
    return found.filter(warning => warning !== undefined);
  }

  #dataWarning({ epoch, step, timeShares }: WatchedEpoch): RunWarning | undefined {
    const { cache } = this.#config;
    const data = timeShares?.data ?? 0;
    // The first epoch fills the cache; from then on nothing is decoded.
    if (data <= dataLimit || (epoch === 1 && cache !== 'none')) return undefined;
    return {
      code: 'W_DATA_WAIT',
      message: `epoch ${epoch} waited ${percent(data)} of its time for data`,
      hint:
        'more decode threads (numWorkers, --workers)' +
        `${cache === 'none' ? ', decoded images kept (cache, --cache memory or disk)' : ''}` +
        '; `gradring profile loader` with the same data tells what bounds the loading',
      step,
    };
  }

  #memoryWarning({ epoch, step, residentBytes }: WatchedEpoch): RunWarning | undefined {
    // In the first epoch caches fill and buffers find their size.
    if (epoch > 1) this.#resident.push(residentBytes);
    const last = this.#resident.slice(-growth.epochs - 1);
    const grewAlways = last.every((bytes, i) => i === 0 || bytes > last[i - 1]);
    const grown = residentBytes - last[0];
    if (last.length <= growth.epochs || !grewAlways) return undefined;
    if (grown < Math.max(growth.bytes, growth.share * last[0])) return undefined;
    return {
      code: 'W_MEMORY',
      message: `memory grew in each of the last ${growth.epochs} epochs, by ${gib(grown)} to ${gib(residentBytes)}`,
      hint: 'a recipe or callback that keeps tensors or results of every batch does this: look at those of your own first',
      step,
    };
  }
}

function slowReplica({ epoch, step, timeShares, replicas: count }: WatchedEpoch): RunWarning | undefined {
  const replicas = timeShares?.replicas ?? [];
  // One that was given up has done fewer steps than the others.
  if (replicas.length !== count) return undefined;
  for (const [replica, { device, compute }] of replicas.entries()) {
    const others = replicas.filter((_, rank) => rank !== replica).map(times => times.compute);
    // Alone, or without times.
    const usual = others.length > 0 && medianOf(others);
    if (!usual || compute <= slownessLimit * usual) continue;
    const factor = (compute / usual).toFixed(1);
    return {
      code: 'W_SLOW_REPLICA',
      message: `replica ${replica} (${device}) computed ${factor} times as long as the others in epoch ${epoch}, and they waited for it`,
      hint: `leave that device out (--gpus with a list), or look at what else uses it`,
      replica,
      step,
    };
  }
  return undefined;
}

function slowCheckpoints({ step, checkpoints: { share, runSeconds } }: WatchedEpoch): RunWarning | undefined {
  if (runSeconds < leastSeconds || share <= checkpointLimit) return undefined;
  return {
    code: 'W_CHECKPOINT_TIME',
    message: `saving checkpoints took ${percent(share)} of the run so far`,
    hint: 'save less often (checkpointSteps, --checkpoint-steps), or put the run folder on a faster disk (--out)',
    step,
  };
}
