/** The epochs of an `IterableDataset`. */
import { LoaderError } from '../errors.js';
import type { SlotRing } from '../protocol/batch.js';
import { Purpose, Random } from '../random.js';
import type { IterableDataset, Sample } from './dataset.js';
import type { EpochFill } from './fill/epoch-fill.js';
import { StreamFill } from './fill/stream-fill.js';
import type { EpochStart, LoaderEpochs } from './loader-epochs.js';
import type { CheckedOptions } from './loader-options.js';
import { shuffleBuffer } from './samplers/shuffle-buffer.js';

export class StreamEpochs implements LoaderEpochs {
  readonly workers = 0;
  readonly pool = undefined;
  readonly batchSize: number;
  readonly prefetch: number;
  readonly #dataset: IterableDataset;
  readonly #options: CheckedOptions;

  constructor(dataset: IterableDataset, options: CheckedOptions) {
    this.#dataset = dataset;
    this.#options = options;
    this.batchSize = options.batchSize;
    this.prefetch = options.prefetch ?? 2;
  }

  get length(): number {
    const batches = this.knownLength;
    if (batches !== undefined) return batches;
    throw new LoaderError(`how many batches ${this.#name} gives in an epoch is not known`, {
      where: 'samplesPerEpoch',
      hint: 'give the loader samplesPerEpoch: progress, schedules and limits count in epochs',
    });
  }

  get knownLength(): number | undefined {
    const samples = this.#samplesPerEpoch;
    if (samples === undefined) return undefined;
    const batches = samples / this.batchSize;
    return this.#options.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  begin({ epoch, startBatch, slots, nameOf }: EpochStart & { readonly slots: SlotRing }): EpochFill {
    const { classes } = this.#dataset;
    const { timeout, dropLast } = this.#options;
    return new StreamFill({
      samples: this.#epoch(epoch),
      slots,
      dataset: { classes, describe: index => `sample ${index} of ${this.#name}` },
      skip: startBatch * this.batchSize,
      dropLast,
      timeoutMs: timeout * 1000,
      nameOf,
    });
  }

  async ended(): Promise<void> {}

  async close(): Promise<void> {}

  get #name(): string {
    return this.#dataset.name ?? 'the stream';
  }

  get #samplesPerEpoch(): number | undefined {
    return this.#options.samplesPerEpoch ?? this.#dataset.length;
  }

  /** Samples of an epoch, shuffled: from its first one, because the buffer's contents depend on all before. */
  async *#epoch(epoch: number): AsyncGenerator<Sample, void, undefined> {
    const { shuffleBuffer: size, seed } = this.#options;
    const numbered = this.#numbered(epoch);
    const random = new Random({ seed, purpose: Purpose.shuffle, epoch });
    const samples = size > 1 ? shuffleBuffer(numbered, size, random) : numbered;
    const most = this.#samplesPerEpoch ?? Number.POSITIVE_INFINITY;
    let given = 0;
    if (most === 0) return;
    for await (const sample of samples) {
      yield sample;
      if (++given === most) return;
    }
    if (this.#samplesPerEpoch === undefined) return;
    throw new LoaderError(`${this.#name} ended after ${given} samples, an epoch has ${most}`, {
      where: 'samplesPerEpoch',
      hint: 'lower samplesPerEpoch, or have the dataset begin again at its end',
    });
  }

  async *#numbered(epoch: number): AsyncGenerator<Sample, void, undefined> {
    this.#dataset.setEpoch?.(epoch);
    let count = 0;
    for await (const { pixels, label, index = count } of this.#dataset) {
      yield { pixels, label, index };
      count++;
    }
  }
}
