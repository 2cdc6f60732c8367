/** tfjs-core's test suite on one of our engines, with its leak checker on. */
import jasmineCore, { type SpecResult } from 'jasmine-core';
import type { EngineName } from '../../src/engine/engine.js';
import { openEngine } from '../../src/engine/registry.js';
import { loadSuite } from './bundle.js';
import { skips } from './skips.js';

export interface SuiteOptions {
  readonly engine: EngineName;
  readonly device: string;
  /** Only specs whose full name holds this text. */
  readonly filter?: string;
  onFailure(name: string, messages: readonly string[]): void;
}

export interface SuiteTotals {
  passed: number;
  failed: number;
  /** How many specs were not run, by reason. */
  readonly skipped: Map<string, number>;
}

export async function runSuite({ engine, device, filter, onFailure }: SuiteOptions): Promise<SuiteTotals> {
  const { tf } = await openEngine(engine, device);
  const environment = jasmineCore.boot(jasmineCore).getEnv();
  const suite = await loadSuite();
  suite.declare({ name: engine, backendName: tf.getBackend(), isDataSync: true });

  const isMeant = (name: string) => filter === undefined || name.includes(filter);
  environment.configure({
    // Whatever a spec leaves behind is found by the next: in a fixed order a failure is the same each time.
    random: false,
    specFilter: spec => isMeant(spec.getFullName()) && skipReason(spec.getFullName()) === undefined,
  });

  const totals: SuiteTotals = { passed: 0, failed: 0, skipped: new Map() };
  const skip = (reason: string) => totals.skipped.set(reason, (totals.skipped.get(reason) ?? 0) + 1);
  const check = ({ fullName, failedExpectations }: SpecResult) => {
    if (failedExpectations.length === 0) return;
    totals.failed++;
    onFailure(
      fullName,
      failedExpectations.map(({ message }) => message),
    );
  };
  environment.addReporter({
    specDone(result) {
      if (result.status === 'passed') totals.passed++;
      else if (result.status === 'pending') skip('disabled by the suite itself');
      else if (result.status === 'excluded' && isMeant(result.fullName)) skip(skipReason(result.fullName)!);
      check(result);
    },
    // What goes wrong outside of specs, such as in the set-up of a group.
    suiteDone: check,
    jasmineDone: check,
  });
  await environment.execute();
  return totals;
}

/** The engine's name stands between the group of a spec and its own name. */
function skipReason(fullName: string): string | undefined {
  const skip = skips.find(
    ({ spec: [group, name] }) => fullName.startsWith(`${group} `) && fullName.endsWith(` ${name}`),
  );
  return skip?.reason;
}
