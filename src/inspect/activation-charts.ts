/** The pictures of ActivationStats and GradientStats. */
import { type ChartGrid, chartGrid, heatMap, type LineChart, lineChart } from '../plot/chart.js';
import type { ActivationStats } from './activation-stats.js';

const batch = { label: 'batch' } as const;

/** What is measured: `activation` or `gradient`. */
const noun = ({ kind }: ActivationStats): string => (kind === 'forward' ? 'activation' : 'gradient');

/** What the bins are of. */
function binLabel(stats: ActivationStats): string {
  const what = noun(stats);
  return { size: `|${what}|`, signed: what, log10: `log₁₀ |${what}|` }[stats.range.scale];
}

const numbered = (values: readonly number[]): number[] => values.map((_, index) => index + 1);

/** One map a layer: a column for each batch, from the smallest values at the bottom; colour by how many there are. */
export function colorDimChart(stats: ActivationStats): ChartGrid {
  const { bins, low, high } = stats.range;
  const charts = stats.histories.map(({ layer, histograms }) =>
    heatMap({
      title: layer,
      x: { ...batch, range: [0, histograms.length] },
      y: { label: binLabel(stats), range: [low, high] },
      color: { label: `${noun(stats)}s`, log: true },
      values: Array.from({ length: bins }, (_, bin) => histograms.map(counts => counts[bin])),
    }),
  );
  return chartGrid({ title: `How the ${noun(stats)}s spread`, charts });
}

/** One line a layer: the share of values in the lowest bins. */
export function deadChart(stats: ActivationStats, options?: { bins?: number }): LineChart {
  return lineChart({
    title: `Share of ${noun(stats)}s near zero`,
    x: batch,
    y: { label: 'share', range: [0, 1] },
    series: stats
      .deadChart(options)
      .map(({ layer, share }) => ({ name: layer, x: numbered(share), y: share })),
  });
}

/** Mean and standard deviation, one line a layer. */
export function statsChart(stats: ActivationStats): ChartGrid {
  const data = stats.plotStats();
  const chart = (what: 'mean' | 'std', label: string) =>
    lineChart({
      title: label,
      x: batch,
      y: { label: `${what} of ${noun(stats)}s` },
      series: data.map(one => ({ name: one.layer, x: numbered(one[what]), y: one[what] })),
    });
  return chartGrid({ columns: 2, charts: [chart('mean', 'Mean'), chart('std', 'Standard deviation')] });
}
