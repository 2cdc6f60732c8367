/** The optimizer and the schedule that a run's settings ask for. */
import { BatchSchedCB } from '../callbacks/batch-sched.js';
import { EpochSchedCB } from '../callbacks/epoch-sched.js';
import type { Callback } from '../learner/callback.js';
import { lessonAdam, lessonMomentum, lessonRmsprop, lessonSgd } from '../learner/lesson-optimizers.js';
import { adam, adamW, type OptFunc, rmsprop, sgd } from '../learner/optimizer.js';
import { CosineAnnealingLR } from '../learner/schedules/cosine-annealing.js';
import { ExponentialLR } from '../learner/schedules/exponential.js';
import { FlatCosLR } from '../learner/schedules/flat-cos.js';
import { hasMomentum, OneCycleLR } from '../learner/schedules/one-cycle.js';
import type { TrainConfig } from './config.js';

export function optimizerChoice({ optimizer, momentum, weightDecay }: TrainConfig): OptFunc {
  const decay = weightDecay === undefined ? {} : { weightDecay };
  const moving = { ...decay, ...(momentum === undefined ? {} : { momentum }) };
  const makers: Record<TrainConfig['optimizer'], () => OptFunc> = {
    adamw: () => adamW(decay),
    adam: () => adam(decay),
    sgd: () => sgd(moving),
    rmsprop: () => rmsprop(moving),
    lessonSgd: () => lessonSgd(decay),
    lessonMomentum: () => lessonMomentum(moving),
    lessonRmsprop: () => lessonRmsprop(decay),
    lessonAdam: () => lessonAdam(decay),
  };
  return makers[optimizer]();
}

/** @param batches training batches of the whole run: a single step is too short for a cycle */
export function scheduleChoice({ schedule, lr, lrGamma = 0.9 }: TrainConfig, batches: number): Callback[] {
  const byBatch = (make: ConstructorParameters<typeof BatchSchedCB>[0]): Callback[] =>
    batches > 1 ? [new BatchSchedCB(make)] : [];
  switch (schedule) {
    case 'one-cycle':
      return byBatch(
        (opt, totalSteps) =>
          new OneCycleLR(opt, {
            maxLr: lr,
            totalSteps,
            cycleMomentum: opt.kind === 'sgd' || hasMomentum(opt),
          }),
      );
    case 'cosine':
      return byBatch((opt, totalSteps) => new CosineAnnealingLR(opt, { tMax: totalSteps }));
    case 'flat-cos':
      return byBatch((opt, totalSteps) => new FlatCosLR(opt, { totalSteps }));
    case 'exponential':
      return [new EpochSchedCB(opt => new ExponentialLR(opt, { gamma: lrGamma }))];
    case 'constant':
      return [];
  }
}
