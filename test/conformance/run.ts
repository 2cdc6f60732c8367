/** The `conformance` command: `npm run conformance -- --engine torch --device cuda:0`. */
import { parseArgs } from 'node:util';
import type { EngineName } from '../../src/engine/engine.js';
import { runSuite, type SuiteTotals } from './run-suite.js';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'cpu' },
    device: { type: 'string' },
    filter: { type: 'string' },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const firstLine = (message: string): string => `    ${message.split('\n')[0].slice(0, 300)}`;

function summary({ passed, failed, skipped }: SuiteTotals): string {
  const left = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  return `${passed + failed + left} specs, ${passed} passed, ${failed} failed, ${left} skipped`;
}

// Specs of the profiler and of warnings print; what is said here is the outcome.
console.log = () => {};
console.warn = () => {};
process.removeAllListeners('warning');

const engine = values.engine as EngineName;
const totals = await runSuite({
  engine,
  device: values.device ?? (engine === 'wasm' ? 'wasm:0' : 'cpu:0'),
  filter: values.filter,
  onFailure: (name, messages) => say([`✗ ${name}`, ...messages.map(firstLine)].join('\n')),
});
for (const [reason, count] of totals.skipped) say(`skipped ${count}: ${reason}`);
say(summary(totals));
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
