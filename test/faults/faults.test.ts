/** A few cells of the fault matrix, of each kind one; all of them: `npm run test:faults`. */
import t from 'tap';
import { terminateOnRequest } from '../fixtures/threads.js';
import { type Cell, runCell, undisturbed } from './cell.js';

const cells: readonly Cell[] = [
  { fault: 'throw', phase: 'update', policy: 'fail' },
  { fault: 'terminate', phase: 'all-reduce', policy: 'restart' },
  { fault: 'exit', phase: 'checkpoint', policy: 'shrink' },
  { fault: 'stall', phase: 'backward', policy: 'fail' },
  { fault: 'abort', phase: 'forward', policy: 'restart' },
  { fault: 'throw', phase: 'close', policy: 'restart' },
];

t.teardown(terminateOnRequest());
const expected = await undisturbed();
for (const cell of cells) {
  t.test(Object.values(cell).join(', '), async t => {
    const { problems, seconds, boundSeconds } = await runCell(cell, expected);
    // How long it takes depends on who else is at work here: `npm run test:faults` asks for that.
    t.strictSame(
      problems.filter(problem => !/ of \d+ at most$/.test(problem)),
      [],
      `${seconds} of ${boundSeconds} s`,
    );
  });
}
