import type { TrainOptions } from '../../src/run/config.js';

/** The settings of a run of a second, on two replicas. @param out its folder */
export const tinyRun = (out: string, own: TrainOptions = {}): TrainOptions => ({
  model: 'mlp',
  engine: 'cpu',
  gpus: 2,
  workers: 0,
  batchSize: 16,
  limitBatches: 3,
  epochs: 1,
  lr: 0.001,
  out,
  ...own,
});

/** Counts the threads of this process while it is listening, and tells when one is started. */
export class ThreadWatch {
  open = 0;
  readonly #onStart: () => void;

  constructor(onStart: () => void = () => {}) {
    this.#onStart = onStart;
    process.on('worker', this.#started);
  }

  close(): void {
    process.off('worker', this.#started);
  }

  readonly #started = (worker: import('node:worker_threads').Worker): void => {
    this.open++;
    worker.once('exit', () => {
      this.open--;
    });
    this.#onStart();
  };
}
