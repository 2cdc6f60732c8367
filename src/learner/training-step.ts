/** Who does the training step, and whether it can be done in one go. */
import { LearnerError, ReplicaError, StallError } from '../errors.js';
import type { Callback } from './callback.js';
import { betweenStepEvents, stepEvents } from './events.js';
import type { Learner } from './learner.js';

const has = (callback: Callback, event: keyof Callback): boolean => typeof callback[event] === 'function';

/**
 * Refuses a step that nobody does (training would end without an error, the weights unmoved) and one that two
 * callbacks do (gradients twice as large), or that a callback does in vain.
 *
 * @param overridden the steps that a subclass of Learner does itself
 * @param training whether the fit trains at all; validation needs predict and getLoss only
 * @throws LearnerError
 */
export function checkSteps(
  cbs: readonly Callback[],
  overridden: readonly (typeof stepEvents)[number][],
  training: boolean,
): void {
  const needed = training ? stepEvents : stepEvents.slice(0, 2);
  const missing = needed.filter(event => !overridden.includes(event) && !cbs.some(cb => has(cb, event)));
  if (missing.length > 0)
    throw new LearnerError(`Nothing does the training step: ${missing.join(', ')} missing.`, {
      where: 'cbs',
      hint: 'add new TrainCB() to cbs, or override these methods in a subclass of Learner',
    });
  const trainers = cbs.filter(cb => stepEvents.every(event => has(cb, event)));
  const names = trainers.map(cb => cb.constructor.name).join(' and ');
  if (trainers.length > 1)
    throw new LearnerError(`Each batch would be trained ${trainers.length} times: by ${names}.`, {
      where: 'cbs',
      hint: 'keep one of them',
    });
  if (trainers.length === 1 && overridden.length === stepEvents.length)
    throw new LearnerError(
      `${names} would never be called: the Learner's subclass does all the steps itself.`,
      {
        where: 'cbs',
        hint: `remove ${names}, or derive from Learner only the steps that differ`,
      },
    );
}

/**
 * Whether the stock steps can run fused: one message to each replica instead of five, and nobody can tell the
 * difference, because nobody looks in between. Decided once per phase: a callback list does not change within a
 * phase, and a phase done in two ways would be hard to reason about when something goes wrong in it.
 */
export function canFuse(cbs: readonly Callback[], overridden: readonly string[]): boolean {
  const stock = cbs.filter(cb => cb.isStockStep);
  const listening = cbs.filter(cb => [...stepEvents, ...betweenStepEvents].some(event => has(cb, event)));
  return overridden.length === 0 && stock.length === 1 && listening.length === 1;
}

/**
 * Whether nothing is left of a batch that failed with this error: replicas that are left take back what they did of
 * it, and no callback keeps a part of it.
 */
export function isTakenBack(error: unknown, cbs: readonly Callback[]): boolean {
  const isOfReplicas = error instanceof ReplicaError || error instanceof StallError;
  const keepsPart = (cb: Callback): boolean =>
    cb.saveState !== undefined && betweenStepEvents.some(event => has(cb, event));
  return isOfReplicas && !cbs.some(keepsPart);
}

/** The fused form of the steps of `TrainCB`. */
export async function fusedStep(learn: Learner): Promise<void> {
  const options = { predictions: learn.needsPredictions };
  learn.accept(
    learn.training
      ? await learn.runner.trainBatch(learn.batch, learn.opt.settings(), options)
      : await learn.runner.validBatch(learn.batch, options),
  );
}
