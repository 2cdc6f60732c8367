import { adam, adamW, type OptFunc, sgd } from '../learner/optimizer.js';
import type { TrainConfig } from './config.js';

/** The optimizer that a run's settings ask for. */
export function optimizerChoice({ optimizer, momentum, weightDecay }: TrainConfig): OptFunc {
  const decay = weightDecay === undefined ? {} : { weightDecay };
  if (optimizer === 'sgd') return sgd({ ...decay, ...(momentum === undefined ? {} : { momentum }) });
  return optimizer === 'adam' ? adam(decay) : adamW(decay);
}
