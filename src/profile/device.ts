/** What the devices take: training steps of the real model, on a batch that is always there, and on the data. */
import type { Coordinator } from '../coordinator/coordinator.js';
import type { DataLoader } from '../data/data-loader.js';
import type { Dataset } from '../data/dataset.js';
import { chooseDevices } from '../engine/devices.js';
import { normalize } from '../nn/transform-specs.js';
import type { Batch, TransformSpec } from '../protocol/batch.js';
import type { GroupSettings } from '../protocol/optimizer.js';
import type { TrainConfig } from '../run/config.js';
import { makeCoordinator } from '../run/make-coordinator.js';
import { percentilesOf, sum } from '../statistics.js';
import type { DeviceProfile, TrainingProfile } from './loader-profile.js';
import { RateWindows } from './rate-windows.js';
import { syntheticBatch } from './synthetic-batch.js';

/** What every training does to its images; with which numbers makes no difference to the speed. */
export const transforms: readonly TransformSpec[] = [normalize({ mean: 0.5, std: 0.25 })];

/** AdamW with PyTorch's defaults, at a rate that keeps the numbers in range. */
const settings: readonly GroupSettings[] = [{ lr: 1e-5, weightDecay: 0.01, betas: [0.9, 0.999], eps: 1e-8 }];

/** Steps before anything is timed: the first ones compile and allocate. */
const WARM_STEPS = 3;

type Description = Pick<DeviceProfile, 'engine' | 'devices' | 'deviceNote' | 'model' | 'parameters'>;

/** Replicas of the model on their devices, with an optimizer. */
export class ProfiledTraining {
  readonly #coordinator: Coordinator;
  readonly #description: Description;
  readonly #signal: AbortSignal | undefined;

  private constructor(coordinator: Coordinator, description: Description, signal: AbortSignal | undefined) {
    this.#coordinator = coordinator;
    this.#description = description;
    this.#signal = signal;
  }

  /** @throws DeviceError, EngineError, RecipeError, ReplicaError; AbortedError by the signal */
  static async open(config: TrainConfig, dataset: Dataset, signal?: AbortSignal): Promise<ProfiledTraining> {
    const choice = await chooseDevices(String(config.gpus), config.engine, config);
    const coordinator = makeCoordinator({ ...config, verify: 'off' }, choice, dataset, { signal });
    try {
      await coordinator.open();
      const groups = [coordinator.parameters.map((_, index) => index)];
      await coordinator.setOptimizer({ kind: 'adamw', groups });
    } catch (error) {
      await coordinator.close();
      throw error;
    }
    const description = {
      engine: choice.engine,
      devices: coordinator.devices,
      ...(choice.note === undefined ? {} : { deviceNote: choice.note }),
      model: coordinator.modelInfo.modelName,
      parameters: sum(coordinator.parameters.map(({ size }) => size)),
    };
    return new ProfiledTraining(coordinator, description, signal);
  }

  /** Steps on a batch of noise. @throws ReplicaError; AbortedError by the signal */
  async appetite(dataset: Dataset, batchSize: number, seconds: number): Promise<DeviceProfile> {
    const batch = syntheticBatch(dataset, batchSize, transforms);
    for (let step = 0; step < WARM_STEPS; step++) await this.#step(batch);
    const windows = new RateWindows(seconds, performance.now());
    do await this.#step(batch);
    while (!windows.add(batch.size, performance.now()));
    return { ...this.#description, ...windows.rates };
  }

  /** Steps on the loader's batches, epoch after epoch. @throws whatever loader and replicas throw */
  async train(loader: DataLoader, workers: number, seconds: number): Promise<TrainingProfile> {
    const waits: number[] = [];
    let windows: RateWindows | undefined;
    let begun = 0;
    let steps = 0;
    for await (const { batch, waitMs } of endless(loader)) {
      await this.#step(batch);
      const now = performance.now();
      if (windows !== undefined) {
        waits.push(waitMs);
        if (windows.add(batch.size, now)) break;
      } else if (++steps === WARM_STEPS) {
        windows = new RateWindows(seconds, now);
        begun = now;
      }
    }
    const { rates } = windows as RateWindows;
    const dataShare = sum(waits) / (performance.now() - begun);
    return { workers, ...rates, waitMs: percentilesOf(waits), dataShare };
  }

  /** Ends the replicas. Calling it again does nothing. */
  close(): Promise<void> {
    return this.#coordinator.close();
  }

  async #step(batch: Batch): Promise<void> {
    this.#signal?.throwIfAborted();
    await this.#coordinator.trainBatch(batch, settings);
  }
}

/** Batches of epoch after epoch, and how long each was waited for: the turn of an epoch counts as well. */
async function* endless(loader: DataLoader): AsyncGenerator<{ batch: Batch; waitMs: number }, never> {
  let asked = performance.now();
  for (;;) {
    for await (const batch of loader) {
      yield { batch, waitMs: performance.now() - asked };
      asked = performance.now();
    }
  }
}
