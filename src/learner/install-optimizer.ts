import { LearnerError } from '../errors.js';
import type { Learner } from './learner.js';
import type { LearningRate } from './learning-rate.js';

/**
 * Gives the replicas the optimizer of a fit: a new one, or with `optFunc: null` that of the last fit.
 *
 * @throws LearnerError when there is none to keep, or `lr` would be ignored
 */
export async function installOptimizer(learn: Learner, lr: LearningRate | undefined): Promise<void> {
  if (learn.optFunc) {
    learn.opt = learn.optFunc(learn.runner.parameters, lr ?? learn.lr);
    if (learn.frozenTo !== undefined) learn.opt.freezeTo(learn.frozenTo);
    await learn.runner.setOptimizer(learn.opt.spec);
  } else if (!learn.opt)
    throw new LearnerError('There is no optimizer to keep.', {
      where: 'optFunc: null',
      hint: 'give an optFunc for the first fit, and set learn.optFunc = null after it',
    });
  else if (lr !== undefined)
    throw new LearnerError('lr would have no effect: the optimizer of the last fit is kept.', {
      where: 'fit lr, optFunc: null',
      hint: 'set learn.opt.paramGroups[…].lr',
    });
}
