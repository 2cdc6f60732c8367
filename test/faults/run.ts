/**
 * The fault matrix: every fault in every phase under every policy, as a table. `--only TEXT` runs the cells whose name
 * (fault phase policy) has that text in it; `--engine NAME` (cpu) computes.
 */
import { parseArgs } from 'node:util';
import { failurePolicies } from '../../src/protocol/failure-policy.js';
import { faults } from '../fixtures/fault-recipe-names.js';
import { terminateOnRequest } from '../fixtures/threads.js';
import { type CellResult, type PhaseName, phases, runCell, undisturbed } from './cell.js';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, engine: { type: 'string', default: 'cpu' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const cells = faults.flatMap(fault =>
  failurePolicies.flatMap(policy =>
    (Object.keys(phases) as PhaseName[]).map(phase => ({ fault, phase, policy })),
  ),
);
const chosen = cells.filter(({ fault, phase, policy }) =>
  `${fault} ${phase} ${policy}`.includes(values.only),
);

const stopTerminating = terminateOnRequest();
const expected = await undisturbed(values.engine);
const results: CellResult[] = [];
say('| fault | policy | phase | what became of it | s | of at most |');
say('|---|---|---|---|---|---|');
for (const cell of chosen) {
  const result = await runCell(cell, expected, values.engine);
  results.push(result);
  const { fault, policy, phase, outcome, problems, seconds, boundSeconds } = result;
  const told = problems.length > 0 ? `✖ ${outcome}: ${problems.join('; ')}` : outcome;
  say(`| ${fault} | ${policy} | ${phase} | ${told} | ${seconds.toFixed(1)} | ${boundSeconds} |`);
}
stopTerminating();
const bad = results.filter(({ problems }) => problems.length > 0);
const slowest = Math.max(...results.map(({ seconds }) => seconds));
say(
  `\n${results.length - bad.length} of ${results.length} cells as promised; slowest ${slowest.toFixed(1)} s`,
);
process.exitCode = bad.length > 0 || results.length === 0 ? 1 : 0;
