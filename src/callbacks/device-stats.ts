import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { type GpuLoad, gpuLoad } from '../engine/gpu-load.js';
import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { PhaseName } from '../learner/metrics-row.js';
import type { TrackedValues, ValuesSource } from '../learner/tracker.js';
import type { ReplicaMemory } from '../protocol/step-runner.js';

/** Bytes, and milliseconds. */
export interface DeviceStats {
  /** From 1. */
  readonly epoch: number;
  readonly phase: PhaseName;
  readonly step: number;
  /** Of the whole process, all threads together. */
  readonly residentBytes: number;
  /** Of the coordinator's thread: JavaScript objects, and array buffers outside of them. */
  readonly heapBytes: number;
  readonly arrayBufferBytes: number;
  /** By how much the coordinator's timers were late since the last look: it was busy, or had no core. */
  readonly eventLoopDelay: { readonly mean: number; readonly max: number };
  readonly replicas: readonly (ReplicaMemory & { readonly device: string })[];
  readonly gpus: readonly GpuLoad[];
  /** What could not be measured, and why. */
  readonly skipped: readonly string[];
}

export interface DeviceStatsOptions {
  /** Look every so many training batches too; a look costs a message to each replica. Default: after phases only. */
  readonly everyBatches?: number;
  /** Called with each look. */
  readonly report?: (stats: DeviceStats) => unknown;
}

/** How often the timer that measures delay is due. */
const resolutionMs = 10;

/** Looks at the memory of the process and the replicas, at delays of the coordinator, and at the GPUs if any is used. */
export class DeviceStatsCB extends Callback implements ValuesSource {
  override readonly fitOnly = true;
  /** All looks of the fit. */
  history: DeviceStats[] = [];
  readonly #everyBatches?: number;
  readonly #report?: (stats: DeviceStats) => unknown;
  #delay?: IntervalHistogram;

  /** @throws ConfigError */
  constructor({ everyBatches, report }: DeviceStatsOptions = {}) {
    super();
    if (everyBatches !== undefined && (!Number.isInteger(everyBatches) || everyBatches < 1))
      throw new ConfigError(`everyBatches must be a whole number above 0, not ${everyBatches}.`, {
        where: 'DeviceStatsCB',
      });
    this.#everyBatches = everyBatches;
    this.#report = report;
  }

  /** The newest look, flat; GPUs and replicas by their place. */
  trackedValues(): TrackedValues {
    const stats = this.history.at(-1);
    if (!stats) return {};
    const { residentBytes, heapBytes, arrayBufferBytes, eventLoopDelay, replicas, gpus } = stats;
    const flat: Record<string, number> = {
      'process/residentBytes': residentBytes,
      'process/heapBytes': heapBytes,
      'process/arrayBufferBytes': arrayBufferBytes,
      'process/eventLoopDelayMs': eventLoopDelay.mean,
    };
    replicas.forEach(({ tensors, bytes }, rank) => {
      flat[`replica${rank}/tensors`] = tensors;
      flat[`replica${rank}/bytes`] = bytes;
    });
    for (const { index, ...load } of gpus)
      for (const [name, value] of Object.entries(load)) flat[`gpu${index}/${name}`] = value;
    return flat;
  }

  override beforeFit(): void {
    this.history = [];
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#delay.enable();
  }

  override async afterBatch(learn: Learner): Promise<void> {
    if (learn.training && this.#everyBatches && (learn.iter + 1) % this.#everyBatches === 0)
      await this.#look(learn);
  }

  override async afterEpoch(learn: Learner): Promise<void> {
    await this.#look(learn);
  }

  override cleanupFit(): void {
    this.#delay?.disable();
    this.#delay = undefined;
  }

  async #look(learn: Learner): Promise<void> {
    const { runner, epoch, training, globalStep } = learn;
    const usesGpu = runner.devices.some(device => device.startsWith('cuda'));
    const [memory, gpus] = await Promise.all([runner.memory?.(), usesGpu ? gpuLoad() : []]);
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const stats: DeviceStats = {
      epoch: epoch + 1,
      phase: training ? 'train' : 'valid',
      step: globalStep,
      residentBytes: rss,
      heapBytes: heapUsed,
      arrayBufferBytes: arrayBuffers,
      eventLoopDelay: this.#lateness(),
      replicas: (memory ?? []).map((one, rank) => ({ device: runner.devices[rank], ...one })),
      gpus,
      skipped: [
        ...(memory ? [] : ['replicas: this runner does not tell their memory']),
        ...(usesGpu ? [] : ['gpus: no replica runs on one']),
        ...(usesGpu && gpus.length === 0 ? ['gpus: nvidia-smi is not there or did not answer'] : []),
      ],
    };
    this.history.push(stats);
    await this.#report?.(stats);
  }

  /** The histogram holds times between two runs of its timer; of nothing it has NaN. */
  #lateness(): { mean: number; max: number } {
    const late = (ns: number): number => (Number.isFinite(ns) ? Math.max(0, ns / 1e6 - resolutionMs) : 0);
    const { mean = Number.NaN, max = Number.NaN } = this.#delay?.count ? this.#delay : {};
    this.#delay?.reset();
    return { mean: late(mean), max: late(max) };
  }
}
