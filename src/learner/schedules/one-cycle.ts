import { ConfigError, LearnerError } from '../../errors.js';
import { type LearningRate, ratesOf } from '../learning-rate.js';
import type { Optimizer, ParamGroup } from '../optimizer.js';
import { countIn, demand as demandOf, type Scheduler, type SchedulerState } from './scheduler.js';

export interface OneCycleOptions {
  /** Peak of the rate. */
  readonly maxLr: LearningRate;
  /** Steps in the cycle. */
  readonly totalSteps: number;
  /** Share of the steps in which the rate rises, 0 … 1. Default 0.3. */
  readonly pctStart?: number;
  /** Default `cos`. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** The first rate is maxLr / divFactor. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first / finalDivFactor. Default 1e4. */
  readonly finalDivFactor?: number;
  /** Momentum (for Adam β₁) falls while the rate rises, and the other way round. Default true. */
  readonly cycleMomentum?: boolean;
  /** Lowest momentum. Default 0.85. */
  readonly baseMomentum?: number | readonly number[];
  /** Highest momentum. Default 0.95. */
  readonly maxMomentum?: number | readonly number[];
  /** Fall back to the first rate as long as it rose, then go to the last. Default false. */
  readonly threePhase?: boolean;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Leg {
  /** Step the leg ends at; need not be whole. */
  readonly end: number;
  readonly lr: (group: GroupCycle) => Range;
  readonly momentum: (group: GroupCycle) => Range;
}

/** The corner values of one group. */
interface GroupCycle {
  readonly firstLr: number;
  readonly maxLr: number;
  readonly lastLr: number;
  readonly baseMomentum: number;
  readonly maxMomentum: number;
}

const anneal = {
  cos: ({ from, to }: Range, share: number) => to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1),
  linear: ({ from, to }: Range, share: number) => (to - from) * share + from,
};

const up: Omit<Leg, 'end'> = {
  lr: g => ({ from: g.firstLr, to: g.maxLr }),
  momentum: g => ({ from: g.maxMomentum, to: g.baseMomentum }),
};
const down: Omit<Leg, 'end'> = {
  lr: g => ({ from: g.maxLr, to: g.firstLr }),
  momentum: g => ({ from: g.baseMomentum, to: g.maxMomentum }),
};
const out: Omit<Leg, 'end'> = {
  lr: g => ({ from: g.firstLr, to: g.lastLr }),
  momentum: g => ({ from: g.maxMomentum, to: g.maxMomentum }),
};
const downAndOut: Omit<Leg, 'end'> = {
  lr: g => ({ from: g.maxLr, to: g.lastLr }),
  momentum: g => ({ from: g.baseMomentum, to: g.maxMomentum }),
};

/**
 * The 1cycle policy (Smith and Topin, 2018), stepping exactly as PyTorch's `OneCycleLR` does: the first rate is
 * written at construction, `step()` may be called `totalSteps` times (the last lands past the end of the cycle,
 * where no training step should follow), and SGD and RMSProp get momentum even if they were built without.
 */
export class OneCycleLR implements Scheduler {
  readonly #groups: ParamGroup[];
  readonly #cycles: readonly GroupCycle[];
  readonly #legs: readonly Leg[];
  readonly #anneal: (range: Range, share: number) => number;
  readonly #cycleMomentum: boolean;
  readonly #totalSteps: number;
  #step = 0;

  /** @throws ConfigError */
  constructor(optimizer: Optimizer, options: OneCycleOptions) {
    const { totalSteps, pctStart = 0.3, annealStrategy = 'cos', threePhase = false } = options;
    const { cycleMomentum = true } = options;
    demand(
      Number.isInteger(totalSteps) && totalSteps > 0,
      'totalSteps',
      'a whole number above 0',
      totalSteps,
    );
    demand(pctStart >= 0 && pctStart <= 1, 'pctStart', 'between 0 and 1', pctStart);
    demand(Object.hasOwn(anneal, annealStrategy), 'annealStrategy', "'cos' or 'linear'", annealStrategy);
    this.#groups = optimizer.paramGroups;
    if (cycleMomentum) checkMomentum(optimizer);
    this.#cycles = cyclesOf(options, this.#groups.length);
    this.#anneal = anneal[annealStrategy];
    this.#cycleMomentum = cycleMomentum;
    this.#totalSteps = totalSteps;
    const top = pctStart * totalSteps - 1;
    this.#legs = threePhase
      ? [
          { end: top, ...up },
          { end: 2 * pctStart * totalSteps - 2, ...down },
          { end: totalSteps - 1, ...out },
        ]
      : [
          { end: top, ...up },
          { end: totalSteps - 1, ...downAndOut },
        ];
    this.#write();
  }

  /** @throws LearnerError at step totalSteps + 1 */
  step(): void {
    if (this.#step === this.#totalSteps)
      throw new LearnerError(`OneCycleLR was stepped more than its totalSteps (${this.#totalSteps}).`, {
        where: 'OneCycleLR.step',
        hint: 'give it epochs × batches per epoch as totalSteps, and make a new one for every fit',
      });
    this.#step++;
    this.#write();
  }

  getLastLr(): number[] {
    return this.#groups.map(({ lr }) => lr);
  }

  state(): SchedulerState {
    return { steps: this.#step, totalSteps: this.#totalSteps };
  }

  restore(state: SchedulerState): void {
    const totalSteps = countIn(state, 'totalSteps', 'OneCycleLR');
    demand(totalSteps === this.#totalSteps, 'totalSteps', `${totalSteps}, as in the state`, this.#totalSteps);
    const steps = countIn(state, 'steps', 'OneCycleLR');
    demand(steps <= totalSteps, 'state.steps', `at most ${totalSteps}`, steps);
    this.#step = steps;
    this.#write();
  }

  #write(): void {
    const ended = this.#legs.findIndex(({ end }) => this.#step <= end);
    const index = ended < 0 ? this.#legs.length - 1 : ended;
    const leg = this.#legs[index];
    const start = index === 0 ? 0 : this.#legs[index - 1].end;
    // A leg of no length is over at once.
    const share = leg.end === start ? 1 : (this.#step - start) / (leg.end - start);
    this.#groups.forEach((group, i) => {
      group.lr = this.#anneal(leg.lr(this.#cycles[i]), share);
      if (this.#cycleMomentum) writeMomentum(group, this.#anneal(leg.momentum(this.#cycles[i]), share));
    });
  }
}

function writeMomentum(group: ParamGroup, momentum: number): void {
  if (group.betas) group.betas = [momentum, group.betas[1]];
  else group.momentum = momentum;
}

function cyclesOf(options: OneCycleOptions, count: number): GroupCycle[] {
  const { divFactor = 25, finalDivFactor = 1e4 } = options;
  demand(divFactor > 0, 'divFactor', 'above 0', divFactor);
  demand(finalDivFactor > 0, 'finalDivFactor', 'above 0', finalDivFactor);
  const maxLrs = perGroup('maxLr', options.maxLr, count);
  const baseMomentums = perGroup('baseMomentum', options.baseMomentum ?? 0.85, count);
  const maxMomentums = perGroup('maxMomentum', options.maxMomentum ?? 0.95, count);
  return maxLrs.map((maxLr, i) => {
    const firstLr = maxLr / divFactor;
    const lastLr = firstLr / finalDivFactor;
    return { firstLr, maxLr, lastLr, baseMomentum: baseMomentums[i], maxMomentum: maxMomentums[i] };
  });
}

function perGroup(name: string, value: LearningRate, count: number): readonly number[] {
  return ratesOf(value, count, `OneCycleLR ${name}`);
}

/** Whether all groups have a momentum (for Adam β₁) to cycle. */
export const hasMomentum = ({ paramGroups }: Optimizer): boolean =>
  paramGroups.every(group => group.betas || group.momentum !== undefined);

/** @throws ConfigError where there is none, as PyTorch's does */
function checkMomentum(optimizer: Optimizer): void {
  if (hasMomentum(optimizer)) return;
  throw new ConfigError(`${optimizer.kind} has no momentum for OneCycleLR to cycle.`, {
    where: 'OneCycleLR cycleMomentum',
    hint: 'give cycleMomentum: false',
  });
}

const demand = (holds: boolean, name: string, expected: string, got: unknown): void =>
  demandOf(holds, 'OneCycleLR', name, expected, got);
