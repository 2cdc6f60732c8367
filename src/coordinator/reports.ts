/** Reports of single replicas, merged into one: sums are added, never averaged; times are the slowest's. */
import type { HookReport } from '../protocol/hooks.js';
import type { LossReport, Results, StepReport } from '../protocol/messages.js';
import type { ReplicaHooks, ReplicaTimes, StepResult, Tally } from '../protocol/step-runner.js';

const add = (a: Tally, b: Tally): Tally => ({ sum: a.sum + b.sum, count: a.count + b.count });

export function mergeLosses(reports: readonly LossReport[]): Pick<StepResult, 'loss' | 'metrics' | 'hooks'> {
  const metrics: Record<string, Tally> = {};
  for (const report of reports) {
    for (const [name, tally] of Object.entries(report.metrics)) {
      metrics[name] = metrics[name] ? add(metrics[name], tally) : tally;
    }
  }
  return { loss: reports.map(({ loss }) => loss).reduce(add), metrics, ...collectHooks(reports) };
}

/** @param updates where the optimizer step was a command of its own */
export function mergeSteps(
  reports: readonly StepReport[],
  updates: readonly Results['step'][] = [],
): StepResult {
  const replicas = reports.map(({ computeMs, allReduceMs, updateMs }, rank) => {
    return { compute: computeMs, allReduce: allReduceMs, update: updates[rank]?.updateMs ?? updateMs };
  });
  const slowest = (part: keyof ReplicaTimes): number => Math.max(...replicas.map(times => times[part]));
  return {
    ...mergeLosses(reports),
    times: {
      compute: slowest('compute'),
      allReduce: slowest('allReduce'),
      update: slowest('update'),
      replicas,
    },
  };
}

/** The lists of the replicas whose hooks saw something: one without samples has none. */
export function collectHooks(reports: readonly { readonly hooks?: readonly HookReport[] }[]): {
  hooks?: ReplicaHooks;
} {
  const hooks = reports.flatMap(report => (report.hooks ? [report.hooks] : []));
  return hooks.length > 0 ? { hooks } : {};
}
