/** gradring training the ResNet on wasm, over one synthetic batch, through the coordinator. */
import { Coordinator } from '../src/coordinator/coordinator.js';
import { models } from '../src/models/catalog.js';
import type { Batch } from '../src/protocol/batch.js';
import type { GroupSettings } from '../src/protocol/optimizer.js';
import type { StepTimes } from '../src/protocol/step-runner.js';
import { classes, imageShape, syntheticBatch } from './synthetic-batch.js';

/** AdamW as PyTorch has it by default, in one group. */
export const settings: readonly GroupSettings[] = [
  { lr: 1e-3, weightDecay: 0.01, betas: [0.9, 0.999], eps: 1e-8 },
];

export interface TrainingRun {
  readonly imagesPerSecond: number;
  /** Mean of the run's steps, in ms. */
  readonly times: StepTimes;
}

export class ResNetTraining {
  readonly replicas: number;
  readonly #coordinator: Coordinator;
  readonly #batch: Batch;

  private constructor(coordinator: Coordinator, replicas: number, batchSize: number) {
    this.#coordinator = coordinator;
    this.replicas = replicas;
    this.#batch = syntheticBatch(batchSize);
  }

  static async open(replicas: number, batchSize: number, signal: AbortSignal): Promise<ResNetTraining> {
    const coordinator = new Coordinator({
      engine: 'wasm',
      devices: Array.from({ length: replicas }, (_, index) => `wasm:${index}`),
      recipe: models.resnet,
      imageShape,
      classes,
      verify: 'off',
      signal,
    });
    try {
      await coordinator.open();
      const groups = [coordinator.parameters.map((_, index) => index)];
      await coordinator.setOptimizer({ kind: 'adamw', groups });
    } catch (error) {
      await coordinator.close();
      throw error;
    }
    return new ResNetTraining(coordinator, replicas, batchSize);
  }

  /** Number of trainable parameters. */
  get parameters(): number {
    return this.#coordinator.parameters.reduce((sum, { size }) => sum + size, 0);
  }

  /** Trains `steps` times on the batch. */
  async run(steps: number): Promise<TrainingRun> {
    const sums = { compute: 0, allReduce: 0, update: 0 };
    const start = performance.now();
    for (let step = 0; step < steps; step++) {
      const { times } = await this.#coordinator.trainBatch(this.#batch, settings);
      sums.compute += times.compute / steps;
      sums.allReduce += times.allReduce / steps;
      sums.update += times.update / steps;
    }
    const seconds = (performance.now() - start) / 1000;
    return { imagesPerSecond: (steps * this.#batch.size) / seconds, times: sums };
  }

  close(): Promise<void> {
    return this.#coordinator.close();
  }
}
