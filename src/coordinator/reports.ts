/** Reports of single replicas, merged into one: sums are added, never averaged; times are the slowest's. */
import type { LossReport, StepReport } from '../protocol/messages.js';
import type { StepResult, Tally } from '../protocol/step-runner.js';

const add = (a: Tally, b: Tally): Tally => ({ sum: a.sum + b.sum, count: a.count + b.count });

export function mergeLosses(reports: readonly LossReport[]): LossReport {
  const metrics: Record<string, Tally> = {};
  for (const report of reports) {
    for (const [name, tally] of Object.entries(report.metrics)) {
      metrics[name] = metrics[name] ? add(metrics[name], tally) : tally;
    }
  }
  return { loss: reports.map(({ loss }) => loss).reduce(add), metrics };
}

export function mergeSteps(reports: readonly StepReport[]): StepResult {
  const slowest = (time: (report: StepReport) => number): number => Math.max(...reports.map(time));
  return {
    ...mergeLosses(reports),
    times: {
      compute: slowest(report => report.computeMs),
      allReduce: slowest(report => report.allReduceMs),
      update: slowest(report => report.updateMs),
    },
  };
}
