import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { MixSpec } from '../protocol/batch.js';

export interface MixOptions {
  /** Of the Beta(alpha, alpha) distribution that the share of each batch is drawn from; above 0. */
  readonly alpha?: number;
}

/** Has the replicas mix each training batch with itself, after its transforms. */
abstract class MixCB extends Callback {
  readonly #mix: MixSpec;

  constructor(mix: MixSpec) {
    super();
    if (!(mix.alpha > 0)) {
      throw new ConfigError(`A batch cannot be mixed with alpha ${mix.alpha}.`, {
        where: `${new.target.name}`,
        hint: 'give a number above 0',
      });
    }
    this.#mix = mix;
  }

  override beforeBatch(learn: Learner): void {
    if (learn.training) learn.batch = { ...learn.batch, mix: this.#mix };
  }
}

/**
 * MixUp: each image becomes share · itself + (1 − share) · another image of the batch, and the loss is that of both
 * labels by the same shares. The share is max(λ, 1 − λ), λ from Beta(alpha, alpha): one a batch.
 */
export class MixUpCB extends MixCB {
  /** @throws ConfigError when alpha is not above 0 */
  constructor({ alpha = 0.4 }: MixOptions = {}) {
    super({ kind: 'mixup', alpha });
  }
}

/**
 * CutMix: a rectangle of each image shows that of another image of the batch, and the loss is that of both labels by
 * their shares of the area. One rectangle a batch; its area is 1 − λ, λ from Beta(alpha, alpha), less what the border
 * cuts off.
 */
export class CutMixCB extends MixCB {
  /** @throws ConfigError when alpha is not above 0 */
  constructor({ alpha = 1 }: MixOptions = {}) {
    super({ kind: 'cutmix', alpha });
  }
}
