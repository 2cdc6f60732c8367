// Two ways to end a run early: a callback that has seen enough, and whoever watches its events.
import assert from 'node:assert/strict';
import { Callback, CancelFitException, startRun, train } from 'gradring';

/** Ends the fit after the first validation whose accuracy is at least `wanted`. */
class StopAtCB extends Callback {
  #wanted;

  constructor(wanted) {
    super();
    this.#wanted = wanted;
  }

  afterEpoch(learn) {
    if (!learn.training && learn.metrics.history.at(-1).accuracy >= this.#wanted)
      throw new CancelFitException();
  }
}

const settings = { model: 'mlp', gpus: 'cpu:2', batchSize: 200, epochs: 50, schedule: 'constant', lr: 0.003 };
const [first, second] = process.argv.slice(2);

// For the Learner this is a normal end: fit returns, and train() saves the model.
const enough = await train({ ...settings, out: first }, { callbacks: [new StopAtCB(0.8)] });
console.log(`a callback ended the run after ${enough.epochs} of 50 epochs, accuracy ${enough.accuracy}`);
assert(enough.accuracy >= 0.8 && enough.epochs < 50);
assert.equal(enough.stopped, false);

// The step under way is finished, then the model is saved; `stopped` says that somebody stopped it. An AbortSignal
// does the same: startRun(settings, { signal }), or train(settings, { signal }).
const run = startRun({ ...settings, out: second });
for await (const event of run.events) {
  if (event.type === 'progress') console.log(`step ${event.step}, loss ${event.loss.toFixed(3)}`);
  if (event.type === 'epoch') run.stop('one epoch is enough');
}
const stopped = await run.result;
console.log(`the run was stopped after ${stopped.epochs} epoch: ${stopped.stopReason}`);
assert.equal(stopped.stopped, true);
assert.equal(stopped.epochs, 1);
assert.equal(stopped.stopReason, 'one epoch is enough');
