import { Callback } from '../learner/callback.js';
import { stepEvents } from '../learner/events.js';
import type { Learner } from '../learner/learner.js';

/**
 * Does the training step. Derive from it to change one of its parts; as it stands, and when no callback listens
 * between the parts, the Learner does them all in one message to the replicas.
 */
export class TrainCB extends Callback {
  /** Whether each of the five steps is still the one that stands here: a subclass or a patch may have changed it. */
  override get isStockStep(): boolean {
    return stepEvents.every(event => this[event] === stockSteps[event]);
  }

  override async predict(learn: Learner): Promise<void> {
    const { training, needsPredictions: predictions } = learn;
    learn.preds = await learn.runner.predict(learn.batch, { training, predictions });
  }

  override async getLoss(learn: Learner): Promise<void> {
    learn.accept({ ...(await learn.runner.getLoss()), predictions: learn.preds });
  }

  override async backward(learn: Learner): Promise<void> {
    await learn.runner.backward();
  }

  override async step(learn: Learner): Promise<void> {
    await learn.runner.step(learn.opt.settings());
  }

  override async zeroGrad(learn: Learner): Promise<void> {
    await learn.runner.zeroGrad();
  }
}

const stockSteps = Object.fromEntries(stepEvents.map(event => [event, TrainCB.prototype[event]]));
