import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { BatchLoader, Epochs } from '../learner/loaders.js';
import type { MetricsRow } from '../learner/metrics-row.js';
import type { PngOptions } from '../plot/render.js';
import { savePlot } from '../plot/save-plot.js';
import type { Batch } from '../protocol/batch.js';
import { EpochTable } from './epoch-table.js';
import { drawLosses, LivePlot } from './live-plot.js';
import { LossCurve } from './loss-curve.js';
import { PlainView } from './plain-view.js';
import type { ProgressState } from './progress-text.js';
import type { ProgressStream, ProgressView } from './progress-view.js';
import { type BelowBars, TerminalView } from './terminal-view.js';
import { meanParts } from './time-account.js';

/** Of a terminal that a curve fits on, beside the table. */
const enoughRows = 16;

export interface ProgressOptions {
  /** Where to write, such as `process.stderr`. A terminal gets bars, anything else plain lines. */
  readonly stream: ProgressStream;
  /** Default: on a terminal, unless NO_COLOR is set. */
  readonly color?: boolean;
  /** On a terminal, the loss curve under the bars, and left there at the end. Default false. */
  readonly plot?: boolean;
  /** At the end of the fit, however it ended, draws the losses into this file, `.svg` or `.png`, with their data. */
  readonly plotFile?: string;
  /** Theme and size of that picture. */
  readonly picture?: PngOptions;
}

/**
 * Shows people how the fit is doing: a bar over the epochs, one over the batches, and a table line per epoch if
 * there is a `MetricsCB`. Writes only to the stream it is given.
 */
export class ProgressCB extends Callback {
  /** After MetricsCB, whose row it shows. */
  override order = 1;
  override readonly fitOnly = true;
  readonly #stream: ProgressStream;
  readonly #color: boolean;
  readonly #plot: boolean;
  readonly #plotFile?: string;
  readonly #picture?: PngOptions;
  readonly #curve = new LossCurve();
  #view?: ProgressView;
  #table = new EpochTable();
  #endListening?: () => void;
  #heldTrainRow?: MetricsRow;
  #epochs?: { readonly given: Epochs; readonly shown: Epochs };
  #dl?: { readonly given: BatchLoader; readonly shown: BatchLoader };
  #fitStartMs = 0;
  #epochsDone = 0;
  #phase = { startMs: 0, batchesDone: 0, samples: 0, computeMs: 0, reduceMs: 0 };

  constructor({ stream, color, plot = false, plotFile, picture }: ProgressOptions) {
    super();
    this.#stream = stream;
    this.#plot = plot && Boolean(stream.isTTY) && (stream.rows ?? enoughRows) >= enoughRows;
    this.#plotFile = plotFile;
    this.#picture = picture;
    this.#color = Boolean(stream.isTTY) && (color ?? !process.env.NO_COLOR);
  }

  /** Writes lines that stay, above the bars where there are any. */
  print(...lines: string[]): void {
    if (this.#view) this.#view.print(lines);
    else this.#stream.write(lines.map(line => `${line}\n`).join(''));
  }

  override beforeFit(learn: Learner): void {
    this.#fitStartMs = learn.clock();
    this.#table = new EpochTable();
    this.#epochsDone = 0;
    this.#heldTrainRow = undefined;
    this.#curve.begin(learn, false);
    this.#view = this.#stream.isTTY
      ? new TerminalView(this.#stream, this.#color, this.#plot ? this.#livePlot() : undefined)
      : new PlainView(this.#stream, this.#fitStartMs);
    this.#endListening = learn.metrics?.addListener(row => this.#show(row));
    this.#epochs = { given: learn.epochs, shown: this.#wrapEpochs(learn.epochs) };
    learn.epochs = this.#epochs.shown;
  }

  override beforeEpoch(learn: Learner): void {
    this.#phase = { startMs: learn.clock(), batchesDone: 0, samples: 0, computeMs: 0, reduceMs: 0 };
    this.#dl = { given: learn.dl, shown: this.#wrapBatches(learn.dl) };
    learn.dl = this.#dl.shown;
  }

  override afterBatch(learn: Learner): void {
    this.#curve.add(learn);
    this.#phase.samples += learn.batch.size;
    const parts = learn.result?.times && meanParts(learn.result.times);
    this.#phase.computeMs += parts?.compute ?? Number.NaN;
    this.#phase.reduceMs += parts?.reduce ?? Number.NaN;
    this.#view?.update(this.#state(learn), learn.clock());
  }

  override cleanupEpoch(learn: Learner): void {
    this.#curve.endPhase(learn);
    // Another callback may have wrapped the loader again; then it is that callback's to put back.
    if (this.#dl && learn.dl === this.#dl.shown) learn.dl = this.#dl.given;
    this.#dl = undefined;
  }

  override async cleanupFit(learn: Learner): Promise<void> {
    this.#showHeldRow();
    const { history } = this.#curve;
    if (this.#plot) this.#view?.print(drawLosses(history, this.#stream.columns || 80));
    this.#view?.close();
    this.#view = undefined;
    this.#endListening?.();
    this.#endListening = undefined;
    if (this.#epochs && learn.epochs === this.#epochs.shown) learn.epochs = this.#epochs.given;
    this.#epochs = undefined;
    if (this.#plotFile && history.train.x.length > 0)
      await savePlot(this.#curve.chart(), this.#plotFile, this.#picture);
  }

  #livePlot(): BelowBars {
    const plot = new LivePlot();
    return (columns, nowMs) => plot.lines(this.#curve.history, columns, nowMs);
  }

  #wrapEpochs(given: Epochs): Epochs {
    return { length: given.length, [Symbol.iterator]: () => this.#countEpochs(given) };
  }

  *#countEpochs(given: Epochs): Generator<number> {
    for (const epoch of given) {
      yield epoch;
      this.#showHeldRow();
      this.#epochsDone++;
    }
  }

  #wrapBatches(given: BatchLoader): BatchLoader {
    return {
      length: given.length,
      get waitMs() {
        return given.waitMs;
      },
      [Symbol.asyncIterator]: () => this.#countBatches(given),
    };
  }

  async *#countBatches(given: BatchLoader): AsyncGenerator<Batch> {
    for await (const batch of given) {
      this.#phase.batchesDone++;
      yield batch;
    }
  }

  /** A train row waits for its epoch's valid row; what comes instead (next epoch, end) shows it alone. */
  #show(row: MetricsRow): void {
    if (row.phase === 'train') this.#heldTrainRow = row;
    else {
      this.#view?.print(this.#table.lines(this.#heldTrainRow, row));
      this.#heldTrainRow = undefined;
    }
  }

  #showHeldRow(): void {
    if (this.#heldTrainRow) this.#view?.print(this.#table.lines(this.#heldTrainRow));
    this.#heldTrainRow = undefined;
  }

  #state({ clock, epochs, training, dl, loss }: Learner): ProgressState {
    const { startMs, batchesDone, samples, computeMs, reduceMs } = this.#phase;
    const phaseMs = clock() - startMs;
    const parts = {
      data: dl.waitMs ?? Number.NaN,
      compute: computeMs,
      reduce: training ? reduceMs : Number.NaN,
    };
    return {
      epochsDone: this.#epochsDone,
      epochs: epochs.length,
      fitMs: clock() - this.#fitStartMs,
      phase: training ? 'train' : 'valid',
      batchesDone,
      batches: dl.length,
      phaseMs,
      loss,
      imagesPerSecond: (samples * 1000) / phaseMs,
      shares: Object.entries(parts)
        .filter(([, ms]) => Number.isFinite(ms))
        .map(([name, ms]) => ({ name, share: ms / phaseMs })),
    };
  }
}
