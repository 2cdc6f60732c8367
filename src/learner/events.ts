/** The events of a fit, in one list: what callbacks may implement, in the order in which they first happen. */

/** The parts of the training step. Callbacks such as `TrainCB` supply them; a subclass of `Learner` may instead. */
export const stepEvents = ['predict', 'getLoss', 'backward', 'step', 'zeroGrad'] as const;
export type StepEvent = (typeof stepEvents)[number];

/** What happens between those parts: a callback listening here needs the step done in parts. */
export const betweenStepEvents = ['afterPredict', 'afterLoss', 'afterBackward', 'afterStep'] as const;

export const events = [
  'beforeFit',
  'beforeEpoch',
  'beforeBatch',
  ...stepEvents,
  ...betweenStepEvents,
  'afterBatch',
  'cleanupBatch',
  'afterEpoch',
  'cleanupEpoch',
  'afterFit',
  'cleanupFit',
] as const;
export type EventName = (typeof events)[number];
