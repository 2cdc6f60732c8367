/** How the values of chosen layers spread, batch by batch: what the lessons' colourful pictures are made of. */
import { join } from 'node:path';
import { ConfigError } from '../errors.js';
import type { PngOptions } from '../plot/render.js';
import { savePlot } from '../plot/save-plot.js';
import type { HistogramRange } from '../protocol/hooks.js';
import { colorDimChart, deadChart, statsChart } from './activation-charts.js';
import type { Hook } from './hook.js';
import {
  type HookFunction,
  histogramRange,
  type LayerStats,
  type StatsOptions,
  stats,
} from './hook-functions.js';
import { HooksCallback } from './hooks-callback.js';
import type { LayerFilter } from './layer-filter.js';

/** Of one layer, one entry a batch. */
export interface LayerHistory {
  /** A layer's second use in the model is a row of its own, `name (use 2)`. */
  readonly layer: string;
  readonly mean: number[];
  readonly std: number[];
  /** Numbers of values in each bin. */
  readonly histograms: (readonly number[])[];
  /** Numbers of values. */
  readonly counts: number[];
}

export interface ActivationStatsOptions extends StatsOptions {
  readonly onTrain?: boolean;
  readonly onValid?: boolean;
}

export interface SaveStatsOptions extends PngOptions {
  /** Default `svg`. */
  readonly format?: 'svg' | 'png';
}

/**
 * Records mean, standard deviation and histogram of the outputs of the layers that pass `filter`, for every batch of
 * a fit; a further fit goes on. docs/hooks.md says how to read them.
 *
 *     const stats = new ActivationStats('ReLU');
 *     await learn.fit(1, { cbs: [stats] });
 *     await stats.save('pictures');
 */
export class ActivationStats extends HooksCallback<HookFunction<LayerStats>> {
  readonly kind: 'forward' | 'gradient';
  /** Bins of the histograms. */
  readonly range: HistogramRange;
  readonly #histories = new Map<string, LayerHistory>();
  /** Where each stands in the model: gradients come from the back. */
  readonly #places = new Map<LayerHistory, number>();

  /** @throws ConfigError on bins that are none */
  constructor(
    filter?: LayerFilter,
    { onTrain = true, onValid = false, ...options }: ActivationStatsOptions = {},
    kind: 'forward' | 'gradient' = 'forward',
  ) {
    super(stats(options), { filter, onTrain, onValid, kind });
    this.kind = kind;
    this.range = histogramRange(options);
  }

  override seen({ layer, learn }: Hook<LayerStats>, value: LayerStats, use: number): void {
    const name = use === 0 ? layer.name : `${layer.name} (use ${use + 1})`;
    let history = this.#histories.get(name);
    if (!history) {
      history = { layer: name, mean: [], std: [], histograms: [], counts: [] };
      this.#histories.set(name, history);
      this.#places.set(
        history,
        learn.runner.layers.findIndex(each => each.name === layer.name),
      );
    }
    history.mean.push(value.mean);
    history.std.push(value.std);
    history.histograms.push(value.histogram);
    history.counts.push(value.count);
  }

  /** Of each layer, in the order of the model; several uses of one in the order of use. */
  get histories(): readonly LayerHistory[] {
    return [...this.#histories.values()].toSorted((a, b) => this.#places.get(a)! - this.#places.get(b)!);
  }

  /** Forgets what was recorded. */
  reset(): void {
    this.#histories.clear();
    this.#places.clear();
  }

  /** The colourful dimension of each layer: [bin][batch], log(1 + number of values), the lowest bin first. */
  colorDim(): { layer: string; values: number[][] }[] {
    return this.histories.map(({ layer, histograms }) => ({
      layer,
      values: Array.from({ length: this.range.bins }, (_, bin) =>
        histograms.map(counts => Math.log1p(counts[bin])),
      ),
    }));
  }

  /**
   * Share of each layer's values, 0 … 1, that lie in the lowest bins, by batch: those near zero.
   *
   * @param bins how many of them; the notebook counts 1, the lesson 2
   * @throws ConfigError when there are not so many
   */
  deadChart({ bins = 1 }: { bins?: number } = {}): { layer: string; share: number[] }[] {
    if (!Number.isInteger(bins) || bins < 1 || bins > this.range.bins)
      throw new ConfigError(`bins must be a whole number of 1 … ${this.range.bins}, not ${bins}.`, {
        where: 'deadChart',
      });
    return this.histories.map(({ layer, histograms, counts }) => ({
      layer,
      share: histograms.map(
        (all, batch) => all.slice(0, bins).reduce((sum, n) => sum + n, 0) / counts[batch],
      ),
    }));
  }

  /** Mean and standard deviation of each layer by batch. */
  plotStats(): { layer: string; mean: number[]; std: number[] }[] {
    return this.histories.map(({ layer, mean, std }) => ({ layer, mean: [...mean], std: [...std] }));
  }

  /**
   * Draws `color-dim`, `dead-chart` and `stats` into a folder, each with its data as JSON beside it.
   *
   * @returns the paths of the pictures
   * @throws ConfigError when nothing was recorded; RunFolderError when a file cannot be written
   */
  async save(folder: string, { format = 'svg', ...options }: SaveStatsOptions = {}): Promise<string[]> {
    if (this.#histories.size === 0)
      throw new ConfigError('There is nothing to draw yet.', {
        where: 'ActivationStats.save',
        hint: 'fit with it first: learn.fit(1, { cbs: [stats] })',
      });
    const charts = {
      'color-dim': colorDimChart(this),
      'dead-chart': deadChart(this),
      stats: statsChart(this),
    };
    const pictures: string[] = [];
    for (const [name, chart] of Object.entries(charts)) {
      const { picture } = await savePlot(chart, join(folder, `${name}.${format}`), options);
      pictures.push(picture);
    }
    return pictures;
  }
}

/**
 * The same of the gradients of the batch's mean loss for the outputs. As their size is not known beforehand, the bins
 * are decades: 10⁻¹⁰ … 1 unless `decades` or `max` say otherwise, with all that is smaller in the lowest.
 */
export class GradientStats extends ActivationStats {
  constructor(filter?: LayerFilter, options: Omit<ActivationStatsOptions, 'onValid'> = {}) {
    const decades = options.max === undefined ? ([-10, 0] as const) : undefined;
    super(filter, { decades, ...options }, 'gradient');
  }
}
