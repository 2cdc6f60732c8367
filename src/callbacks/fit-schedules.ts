import { LearnerError } from '../errors.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import type { FitOptions } from '../learner/learner-options.js';
import { ratesOf } from '../learner/learning-rate.js';
import type { Optimizer } from '../learner/optimizer.js';
import { FlatCosLR, type FlatCosOptions } from '../learner/schedules/flat-cos.js';
import { hasMomentum, OneCycleLR, type OneCycleOptions } from '../learner/schedules/one-cycle.js';
import { type Scheduler, writeRates } from '../learner/schedules/scheduler.js';
import { BatchSchedCB } from './batch-sched.js';

export interface FitOneCycleOptions
  extends FitOptions,
    Pick<OneCycleOptions, 'divFactor' | 'finalDivFactor' | 'pctStart' | 'annealStrategy' | 'threePhase'> {
  /** Highest and lowest momentum (for Adam β₁), where the optimizer has one. Default [0.95, 0.85]. */
  readonly moms?: readonly [highest: number, lowest: number];
}

export interface FitFlatCosOptions extends FitOptions, Omit<FlatCosOptions, 'totalSteps'> {}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * `fit` under one cycle of `OneCycleLR`, with its defaults. `lr` (of the call or the Learner) is the peak.
     *
     * @throws LearnerError if there is another `BatchSchedCB`, and what `fit` throws
     */
    fitOneCycle(nEpochs: number, options?: FitOneCycleOptions): Promise<void>;
    /**
     * `fit` with a constant rate, and half a cosine downwards at the end: `FlatCosLR`.
     *
     * @throws LearnerError if there is another `BatchSchedCB`, and what `fit` throws
     */
    fitFlatCos(nEpochs: number, options?: FitFlatCosOptions): Promise<void>;
  }
}

async function fitOneCycle(
  this: Learner,
  nEpochs: number,
  { divFactor, finalDivFactor, pctStart, annealStrategy, threePhase, moms, ...fit }: FitOneCycleOptions = {},
): Promise<void> {
  const [maxMomentum, baseMomentum] = moms ?? [];
  const options = {
    divFactor,
    finalDivFactor,
    pctStart,
    annealStrategy,
    threePhase,
    maxMomentum,
    baseMomentum,
  };
  await fitScheduled(this, nEpochs, fit, (opt, totalSteps) => {
    const maxLr = opt.paramGroups.map(({ lr }) => lr);
    return new OneCycleLR(opt, { ...options, maxLr, totalSteps, cycleMomentum: hasMomentum(opt) });
  });
}

async function fitFlatCos(
  this: Learner,
  nEpochs: number,
  { pctStart, divFinal, ...fit }: FitFlatCosOptions = {},
): Promise<void> {
  await fitScheduled(
    this,
    nEpochs,
    fit,
    (opt, totalSteps) => new FlatCosLR(opt, { totalSteps, pctStart, divFinal }),
  );
}

async function fitScheduled(
  learn: Learner,
  nEpochs: number,
  { lr = learn.lr, cbs = [], ...fit }: FitOptions,
  make: (opt: Optimizer, totalSteps: number) => Scheduler,
): Promise<void> {
  if ([...learn.cbs, ...cbs].some(callback => callback instanceof BatchSchedCB))
    throw new LearnerError('Two schedules would write the same rates.', {
      where: 'BatchSchedCB',
      hint: 'take the other one out: learn.remove(BatchSchedCB)',
    });
  const keeps = learn.optFunc === null;
  const schedule = new BatchSchedCB((opt, totalSteps) => {
    // The rates of an optimizer that is kept are those where the last schedule left them.
    if (keeps) writeRates(opt, ratesOf(lr, opt.paramGroups.length));
    return make(opt, totalSteps);
  });
  await learn.fit(nEpochs, { ...fit, cbs: [...cbs, schedule], ...(keeps ? {} : { lr }) });
}

addMethods({ fitOneCycle, fitFlatCos });
