import { LRFinderCB, type LRFinderOptions } from '../callbacks/lr-finder.js';
import type { LrSuggestions } from '../callbacks/lr-suggestions.js';
import { ConfigError } from '../errors.js';
import type { Callback } from '../learner/callback.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import { withSnapshot } from '../learner/snapshot.js';
import type { LineChart } from '../plot/chart.js';
import type { PngOptions } from '../plot/render.js';
import { savePlot } from '../plot/save-plot.js';
import { stepCallbacks } from './step-callbacks.js';

export interface LrFindOptions extends LRFinderOptions {
  /** Rate of the first step. Default 1e-5. */
  readonly startLr?: number;
  /** At most so many times through the training data. Default 10. */
  readonly maxEpochs?: number;
  /** Added for the search. */
  readonly cbs?: readonly Callback[];
  /** Draws the curve into this file, `.svg` or `.png`, its data beside it as JSON. */
  readonly file?: string;
  /** Theme and size of that picture. */
  readonly picture?: PngOptions;
}

export interface LrFindResult {
  /** Rate of each step, ascending. */
  readonly lrs: number[];
  /** Training loss of each step's batch, not smoothed. */
  readonly losses: number[];
  readonly suggestions: LrSuggestions;
  readonly chart: LineChart;
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * Looks for a good learning rate: trains with a rate that grows with each step until the loss explodes, then puts
     * weights, optimizer, random draws and loaders back as they were. Nothing is validated, and only the callbacks
     * that take part in the training step run: schedulers, metrics, progress and checkpoints stay out.
     *
     * @throws LearnerError when the search ends before there is a curve
     */
    lrFind(options?: LrFindOptions): Promise<LrFindResult>;
  }
}

async function lrFind(this: Learner, options: LrFindOptions = {}): Promise<LrFindResult> {
  const { startLr = 1e-5, maxEpochs = 10, cbs = [], file, picture, ...more } = options;
  if (!Number.isInteger(maxEpochs) || maxEpochs < 1)
    throw new ConfigError(`maxEpochs must be a whole number above 0, not ${maxEpochs}.`, { where: 'lrFind' });
  const finder = new LRFinderCB({ startLr, ...more });
  await withSnapshot(this, async () => {
    const all = this.cbs;
    this.cbs = stepCallbacks(all);
    try {
      await this.fit(maxEpochs, { valid: false, cbs: [...cbs, finder] });
    } finally {
      this.cbs = all;
    }
  });
  const { lrs, losses, suggestions } = finder;
  const chart = finder.chart();
  if (file !== undefined) await savePlot(chart, file, picture);
  return { lrs, losses, suggestions, chart };
}

addMethods({ lrFind });
