import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import { checkClip } from '../protocol/check-clip.js';
import type { ClipOptions } from '../protocol/step-runner.js';

/**
 * Clips the gradients before each optimizer step, as PyTorch's `clip_grad_norm_` and `clip_grad_value_` do: those of
 * the whole batch, summed over the replicas, and with `GradientAccumulationCB` those of the whole group.
 */
export class GradientClipCB extends Callback {
  override readonly fitOnly = true;
  /** L2 norm of all gradients together before the last step, not clipped yet; NaN before the first. */
  lastNorm = Number.NaN;
  readonly #limits: ClipOptions;

  /**
   * @param options norm: the largest L2 norm of all gradients together; value: the largest absolute value of each;
   * if both are given, `norm` comes first
   * @throws ConfigError when none is given, or one is not above 0
   */
  constructor(options: ClipOptions) {
    super();
    this.#limits = checkClip(options, 'GradientClipCB');
  }

  override beforeFit(): void {
    this.lastNorm = Number.NaN;
  }

  override async afterBackward({ runner }: Learner): Promise<void> {
    this.lastNorm = await runner.clipGradients(this.#limits);
  }
}
