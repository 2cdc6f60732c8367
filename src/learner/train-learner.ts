import { Learner } from './learner.js';

/** A Learner that does the five steps itself, each for all replicas: override those that differ. It needs no `TrainCB`. */
export class TrainLearner extends Learner {
  override async predict(): Promise<void> {
    const { batch, training, needsPredictions } = this;
    this.preds = await this.runner.predict(batch, { training, predictions: needsPredictions });
  }

  override async getLoss(): Promise<void> {
    this.accept({ ...(await this.runner.getLoss()), predictions: this.preds });
  }

  override async backward(): Promise<void> {
    await this.runner.backward();
  }

  override async step(): Promise<void> {
    await this.runner.step(this.opt.settings());
  }

  override async zeroGrad(): Promise<void> {
    await this.runner.zeroGrad();
  }
}
