// Two ways to end a run early: a callback that has seen enough, and an AbortSignal from outside.
import assert from 'node:assert/strict';
import { Callback, CancelFitException, train } from 'gradring';

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

// The step under way is finished, then the model is saved; `stopped` says that it was the signal.
const controller = new AbortController();
const aborted = await train(
  { ...settings, out: second },
  { signal: controller.signal, onEpoch: () => controller.abort() },
);
console.log(`the signal ended the run after ${aborted.epochs} epoch`);
assert.equal(aborted.stopped, true);
assert.equal(aborted.epochs, 1);
