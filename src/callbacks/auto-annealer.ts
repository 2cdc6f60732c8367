import { z } from 'zod';
import { CallbackError, ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { GroupSettings, OptimizerState } from '../protocol/optimizer.js';
import { numberOrNull, readState } from './saved-state.js';

export interface AutoAnnealerOptions {
  /**
   * `doubled`: when the statistic is above `ratio` times its lowest value so far, as the lessons' spreadsheet does.
   * `halved`: when it has fallen to 1/`ratio` of what it was at the last reduction (at first, after the first
   * epoch), as the lesson says.
   */
  readonly trigger: 'doubled' | 'halved';
  /** The rates are divided by this. Default 4. */
  readonly factor?: number;
  /** How much the statistic must have changed. Default 2. */
  readonly ratio?: number;
}

const saved = z.object({
  reference: numberOrNull,
  history: z.array(z.object({ statistic: z.number(), reduced: z.boolean() })),
});

/**
 * Divides the rates when the gradients have grown, or shrunk: the automatic annealer of the lessons' spreadsheet. Its
 * statistic, taken after each training phase, is the sum over all parameters of √s, where s is the running mean of
 * the squared gradient that the optimizer keeps, corrected for its start at 0 as Adam does: the spreadsheet's
 * √s_a + √s_b for a model of two parameters. Frozen groups do not count.
 *
 * @example adam({ betas: [0.9, 0.95] }) with lr 1, as in the spreadsheet
 */
export class AutoAnnealerCB extends Callback {
  override readonly fitOnly = true;
  /** The statistic after each epoch of this fit, and whether the rates were divided. */
  history: { readonly statistic: number; readonly reduced: boolean }[] = [];
  readonly #trigger: AutoAnnealerOptions['trigger'];
  readonly #factor: number;
  readonly #ratio: number;
  /** The lowest statistic (doubled), or that of the last reduction (halved). */
  #reference?: number;

  /** @throws ConfigError */
  constructor({ trigger, factor = 4, ratio = 2 }: AutoAnnealerOptions) {
    super();
    const check = (holds: boolean, name: string, expected: string, got: unknown) => {
      if (!holds)
        throw new ConfigError(`${name} must be ${expected}, not ${String(got)}.`, {
          where: `AutoAnnealerCB ${name}`,
        });
    };
    check(trigger === 'doubled' || trigger === 'halved', 'trigger', "'doubled' or 'halved'", trigger);
    check(factor > 1 && Number.isFinite(factor), 'factor', 'above 1', factor);
    check(ratio > 1 && Number.isFinite(ratio), 'ratio', 'above 1', ratio);
    this.#trigger = trigger;
    this.#factor = factor;
    this.#ratio = ratio;
  }

  override beforeFit(): void {
    this.history = [];
    this.#reference = undefined;
  }

  /** @throws CallbackError if the optimizer keeps no mean of squares */
  override async afterEpoch({ training, runner, opt }: Learner): Promise<void> {
    if (!training) return;
    const { optimizer } = await runner.getState({ optimizer: true });
    const groups = opt.settings();
    const statistic = optimizer ? rootSum(optimizer, groups, runner.parameters) : undefined;
    if (statistic === undefined)
      throw new CallbackError(`${opt.kind} keeps no running mean of the squared gradient.`, {
        where: 'AutoAnnealerCB',
        hint: 'use adam, adamW, rmsprop, lessonAdam or lessonRmsprop',
      });
    const reduced = this.#triggers(statistic);
    if (reduced) for (const group of opt.paramGroups) group.lr /= this.#factor;
    this.history.push({ statistic, reduced });
  }

  #triggers(statistic: number): boolean {
    const reference = this.#reference ?? statistic;
    if (this.#trigger === 'doubled') {
      this.#reference = Math.min(reference, statistic);
      return statistic > this.#ratio * reference;
    }
    const reduced = statistic <= reference / this.#ratio;
    this.#reference = reduced ? statistic : reference;
    return reduced;
  }

  /** Not the rates: they are the optimizer's, and kept with it. */
  override saveState(): unknown {
    return { reference: this.#reference ?? null, history: this.history };
  }

  override restoreState(state: unknown): void {
    const { reference, history } = readState(saved, state, 'AutoAnnealerCB');
    this.#reference = reference ?? undefined;
    this.history = history;
  }
}

/** How much of the weight of past squares is there after `steps` steps; undefined where none are kept. */
function shareOf(
  kind: string,
  { betas = [0, 0], alpha = 0 }: GroupSettings,
  steps: number,
): number | undefined {
  if (kind === 'lessonRmsprop') return 1;
  if (kind === 'rmsprop') return 1 - alpha ** steps;
  return ['adam', 'adamw', 'lessonAdam'].includes(kind) ? 1 - betas[1] ** steps : undefined;
}

function rootSum(
  { spec, steps, buffers: { square } }: OptimizerState,
  settings: readonly GroupSettings[],
  parameters: Learner['runner']['parameters'],
): number | undefined {
  let sum = 0;
  for (const [group, members] of spec.groups.entries()) {
    const share = shareOf(spec.kind, settings[group], steps[group]);
    if (share === undefined) return undefined;
    if (settings[group].frozen || steps[group] === 0) continue;
    for (const { offset, size } of members.map(index => parameters[index]))
      for (let i = offset; i < offset + size; i++) sum += Math.sqrt(square[i] / share);
  }
  return sum;
}
