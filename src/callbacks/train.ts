import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';

/**
 * Does the training step. Derive from it to change one of its parts; as it stands, and when no callback listens
 * between the parts, the Learner does them all in one message to the replicas.
 */
export class TrainCB extends Callback {
  /** A subclass may have changed any of the steps, so only the class itself will do. */
  override readonly isStockStep: boolean = this.constructor === TrainCB;

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
