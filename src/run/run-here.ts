import type { TrainOptions } from './config.js';
import { ProgressEventsCB } from './progress-events.js';
import type { RunControls } from './run-controls.js';
import type { TrainSummary } from './summary.js';
import { train } from './train.js';
import type { TrainContext } from './train-context.js';

/** Trains on threads of this process and tells events. */
export function runHere(
  options: TrainOptions,
  context: TrainContext,
  { emit, signal, abortSignal }: RunControls,
): Promise<TrainSummary> {
  const progress = new ProgressEventsCB(progress => emit({ type: 'progress', ...progress }));
  return train(options, {
    ...context,
    signal,
    abortSignal,
    callbacks: [...(context.callbacks ?? []), progress],
    onDataProgress: progress => emit({ type: 'data', progress }),
    onStart: start => emit({ type: 'start', start }),
    onOutput: (replica, text) => emit({ type: 'output', replica, text }),
    onWarning: warning => emit({ type: 'warning', warning }),
    onCheckpoint: ({ path, step }) => emit({ type: 'checkpoint', path, step }),
    onEpoch: record => emit({ type: 'epoch', record }),
  });
}
