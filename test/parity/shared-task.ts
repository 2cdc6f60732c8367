/** One training task for gradring and for PyTorch: start weights, batches and settings, in memory and in files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorOptions } from '../../src/coordinator/coordinator-options.js';
import type { Dataset } from '../../src/data/dataset.js';
import { createSlots, slotViews } from '../../src/data/fill/batch-slots.js';
import { chooseDevices } from '../../src/engine/devices.js';
import { adamW } from '../../src/learner/optimizer.js';
import { OneCycleLR } from '../../src/learner/schedules/one-cycle.js';
import { models } from '../../src/models/catalog.js';
import { normalize } from '../../src/nn/transform-specs.js';
import type { Batch } from '../../src/protocol/batch.js';
import type { GroupSettings } from '../../src/protocol/optimizer.js';

export interface TaskSettings {
  readonly steps: number;
  readonly batch: number;
  /** The highest rate of a one-cycle over all steps. */
  readonly maxLr: number;
}

const [mean, std] = [0.286, 0.353];

export class SharedTask {
  readonly #batches: readonly Batch[];
  readonly #settings: readonly GroupSettings[];
  readonly #data: Dataset;

  private constructor(data: Dataset, batches: readonly Batch[], settings: readonly GroupSettings[]) {
    this.#data = data;
    this.#batches = batches;
    this.#settings = settings;
  }

  /** The first samples of `data`, every one in one batch. */
  static async of(data: Dataset, { steps, batch, maxLr }: TaskSettings): Promise<SharedTask> {
    const { imageShape } = data;
    const ring = createSlots({ capacity: batch, imageShape }, steps);
    const batches: Batch[] = [];
    for (const [slot, buffer] of ring.buffers.entries()) {
      const views = slotViews(buffer, ring.layout);
      for (let i = 0; i < batch; i++) {
        const { pixels, label, index } = await data.get(slot * batch + i);
        views.pixels.set(pixels, i * pixels.length);
        views.labels[i] = label;
        views.indices[i] = index;
      }
      const transforms = [normalize({ mean: [mean], std: [std] })];
      batches.push({ ring, slot, size: batch, epoch: 0, index: slot, transforms, ...views });
    }
    return new SharedTask(data, batches, oneCycle(steps, maxLr));
  }

  /**
   * Trains on as many replicas; returns the weights it began with, and the loss of every step.
   *
   * @param options of the coordinator; other devices than the processor's, for example
   */
  async train(
    engine: string,
    replicas: number,
    options: Partial<CoordinatorOptions> = {},
  ): Promise<{ start: Float32Array; losses: number[] }> {
    const { devices } = await chooseDevices(`cpu:${replicas}`, engine);
    const coordinator = new Coordinator({
      engine,
      devices: devices.map(({ id }) => id),
      recipe: models.resnet,
      imageShape: this.#data.imageShape,
      classes: this.#data.classes,
      ...options,
    });
    try {
      await coordinator.open();
      const { parameters } = coordinator;
      await coordinator.setOptimizer({ kind: 'adamw', groups: [parameters.map((_, index) => index)] });
      const { weightData } = await coordinator.model();
      const length = parameters.reduce((sum, { size }) => sum + size, 0);
      const start = new Float32Array(weightData.slice().buffer, 0, length);
      const losses: number[] = [];
      for (const [step, batch] of this.#batches.entries()) {
        const { loss } = await coordinator.trainBatch(batch, [this.#settings[step]]);
        losses.push(loss.sum / loss.count);
      }
      return { start, losses };
    } finally {
      await coordinator.close();
    }
  }

  /** Writes what `bench/peers/parity.py` reads. */
  write(folder: string, start: Float32Array): void {
    const task = {
      model: { activation: 'relu' },
      steps: this.#batches.length,
      batch: this.#batches[0].size,
      mean,
      std,
      settings: this.#settings.map(({ weightDecay, ...same }) => ({ ...same, weight_decay: weightDecay })),
    };
    writeFileSync(join(folder, 'parity.json'), JSON.stringify(task));
    writeFileSync(join(folder, 'weights.f32'), start);
    writeFileSync(join(folder, 'pixels.u8'), Buffer.concat(this.#batches.map(({ pixels }) => pixels)));
    const labels = this.#batches.flatMap(batch => [...batch.labels]);
    writeFileSync(join(folder, 'labels.i32'), Int32Array.from(labels));
  }
}

/** AdamW's settings at each step, with both the rate and β₁ of a one-cycle. */
function oneCycle(steps: number, maxLr: number): GroupSettings[] {
  const optimizer = adamW()([{ name: 'all', shape: [1], offset: 0, size: 1 }], maxLr);
  const schedule = new OneCycleLR(optimizer, { maxLr, totalSteps: steps });
  return Array.from({ length: steps }, () => {
    const [settings] = structuredClone(optimizer.settings());
    schedule.step();
    return settings;
  });
}
