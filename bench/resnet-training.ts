/** gradring training the ResNet over one synthetic batch, through the coordinator. */
import { Coordinator } from '../src/coordinator/coordinator.js';
import { chooseDevices } from '../src/engine/devices.js';
import { models } from '../src/models/catalog.js';
import type { Batch } from '../src/protocol/batch.js';
import type { GroupSettings } from '../src/protocol/optimizer.js';
import type { ReplicaTimes } from '../src/protocol/step-runner.js';
import { choice, type ValuesOf } from './flags.js';
import { classes, imageShape, syntheticBatch } from './synthetic-batch.js';

/** AdamW as PyTorch has it by default, in one group. */
export const settings: readonly GroupSettings[] = [
  { lr: 1e-3, weightDecay: 0.01, betas: [0.9, 0.999], eps: 1e-8 },
];

/** What computes: flags of every bench that trains. */
export const engineFlags = {
  engine: choice(['wasm', 'torch', 'cpu'], 'wasm', 'what computes'),
  precision: choice(['fp32', 'bf16'], 'fp32', 'of convolutions and products (torch)'),
  device: choice(['cpu', 'cuda'], 'cpu', 'kind of device; cuda: one GPU for each replica (torch)'),
};

export type EngineChoice = ValuesOf<typeof engineFlags>;

export interface TrainingSettings extends EngineChoice {
  readonly replicas: number;
  /** Of each replica. */
  readonly threads: number;
  /** All replicas together. */
  readonly batch: number;
}

/** Such as `gradring, torch bf16, 2 replicas`. */
export function trainingName({ engine, precision, replicas, threads }: TrainingSettings): string {
  const kind = precision === 'fp32' ? engine : `${engine} ${precision}`;
  const team = threads > 1 ? ` × ${threads} threads` : '';
  return `gradring, ${kind}, ${replicas} replica${replicas === 1 ? '' : 's'}${team}`;
}

export interface TrainingRun {
  readonly imagesPerSecond: number;
  /** Mean of the run's steps, in ms. */
  readonly times: ReplicaTimes;
}

export class ResNetTraining {
  readonly #coordinator: Coordinator;
  readonly #batch: Batch;

  private constructor(coordinator: Coordinator, batchSize: number) {
    this.#coordinator = coordinator;
    this.#batch = syntheticBatch(batchSize);
  }

  static async open(settings: TrainingSettings, signal: AbortSignal): Promise<ResNetTraining> {
    const { engine, precision, device, replicas, threads, batch } = settings;
    const gpus = device === 'cpu' ? `cpu:${replicas}` : String(replicas);
    const { devices } = await chooseDevices(gpus, engine);
    const coordinator = new Coordinator({
      engine,
      engineSettings: { precision, threads },
      devices: devices.map(({ id }) => id),
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
    return new ResNetTraining(coordinator, batch);
  }

  /** Number of trainable parameters. */
  get parameters(): number {
    return this.#coordinator.parameters.reduce((sum, { size }) => sum + size, 0);
  }

  /** Trains `steps` times on the batch, or on another one. */
  async run(steps: number, batch = this.#batch): Promise<TrainingRun> {
    const sums = { compute: 0, allReduce: 0, update: 0 };
    const start = performance.now();
    for (let step = 0; step < steps; step++) {
      const { times } = await this.#coordinator.trainBatch(batch, settings);
      sums.compute += times.compute / steps;
      sums.allReduce += times.allReduce / steps;
      sums.update += times.update / steps;
    }
    const seconds = (performance.now() - start) / 1000;
    return { imagesPerSecond: (steps * batch.size) / seconds, times: sums };
  }

  close(): Promise<void> {
    return this.#coordinator.close();
  }
}
