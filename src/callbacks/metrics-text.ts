import { type MetricsRow, metricsOf } from '../learner/metrics-row.js';

/**
 * A row for people: epoch, phase, loss and metrics as strings, the numbers to three decimals as in the lessons.
 * Loggers and trackers get the row itself, whose numbers are whole.
 */
export function metricsText(row: MetricsRow): Record<string, string> {
  const numbers = [['loss', row.loss] as const, ...metricsOf(row)];
  return {
    epoch: String(row.epoch),
    phase: row.phase,
    ...Object.fromEntries(numbers.map(([name, value]) => [name, value.toFixed(3)])),
  };
}
