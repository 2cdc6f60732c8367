/** The events of a fit, in one list: what callbacks may implement, in the order in which they first happen. */

/** The parts of the training step. Callbacks such as `TrainCB` supply them; a subclass of `Learner` may instead. */
export const stepEvents = ['predict', 'getLoss', 'backward', 'step', 'zeroGrad'] as const;
export type StepEvent = (typeof stepEvents)[number];

/** What happens between those parts: a callback listening here needs the step done in parts. */
export const betweenStepEvents = ['afterPredict', 'afterLoss', 'afterBackward', 'afterStep'] as const;

/** Both, as they follow each other within a training batch; a batch of validation ends with `afterLoss`. */
export const batchEvents = [
  'predict',
  'afterPredict',
  'getLoss',
  'afterLoss',
  'backward',
  'afterBackward',
  'step',
  'afterStep',
  'zeroGrad',
] as const satisfies readonly (StepEvent | (typeof betweenStepEvents)[number])[];

export const events = [
  'beforeFit',
  'beforeEpoch',
  'beforeBatch',
  ...batchEvents,
  'afterBatch',
  'cleanupBatch',
  'afterEpoch',
  'cleanupEpoch',
  'afterFit',
  'cleanupFit',
] as const;
export type EventName = (typeof events)[number];
