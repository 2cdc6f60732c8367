import { DivergedError, LearnerError } from '../errors.js';
import type { Learner } from './learner.js';

/**
 * NaN never goes away again: every later step would be wasted.
 *
 * @throws DivergedError when the loss of a training batch is NaN or infinite
 * @throws LearnerError when there is none
 */
export function checkLoss({ result, loss, globalStep, epoch }: Learner): void {
  if (!result)
    throw new LearnerError('getLoss gave no result.', {
      where: 'getLoss',
      hint: 'whatever supplies getLoss must hand its result to learn.accept',
    });
  if (Number.isFinite(loss)) return;
  const step = globalStep + 1;
  throw new DivergedError(`The training loss is ${loss}.`, {
    where: `epoch ${epoch + 1}, step ${step}`,
    step,
    hint: 'lower the learning rate, or warm it up; check the inputs for NaN and the labels for their range',
  });
}
