/** A replica's training state, written to and read from shared memory as `state-buffer.ts` lays it out. */
import type { Optimizer } from '../nn/optimizers.js';
import type { StateDescription } from '../protocol/messages.js';
import type { StateParts } from '../protocol/step-runner.js';
import { AverageWeights } from './average-weights.js';
import { stateViews } from './state-buffer.js';
import type { Weights } from './weights.js';

export interface Trained {
  readonly weights: Weights;
  readonly optimizer?: Optimizer;
}

/** Which of the parts asked for there are. */
export function describeState({ weights, optimizer }: Trained, parts: StateParts): StateDescription {
  return {
    ...(parts.optimizer && optimizer && { optimizer: describeOptimizer(optimizer) }),
    gradients: Boolean(parts.gradients && weights.gradients.any),
    average: Boolean(parts.average && weights.average),
  };
}

export function describeOptimizer({
  spec,
  steps,
  buffers,
}: Optimizer): NonNullable<StateDescription['optimizer']> {
  return { spec, steps: [...steps], buffers: Object.keys(buffers) };
}

/** Writes parameters, buffers and those of `parts` that there are. */
export function writeState(memory: SharedArrayBuffer, trained: Trained, parts: StateParts): void {
  const { weights, optimizer } = trained;
  const views = stateViews(memory, describeState(trained, parts), weights.sizes);
  weights.read(views.parameters, views.buffers);
  if (views.gradients) weights.gradients.read(views.gradients);
  if (weights.average) {
    views.average?.parameters.set(weights.average.parameters);
    views.average?.buffers.set(weights.average.buffers);
  }
  const moments = Object.values(optimizer?.buffers ?? {});
  views.moments.forEach((view, index) => {
    view.set(moments[index]);
  });
}

/** Takes over a state; what the description leaves out stays as it is. `optimizer` is of the state's spec. */
export function readState(
  memory: SharedArrayBuffer,
  description: StateDescription,
  { weights, optimizer }: Trained,
): void {
  const views = stateViews(memory, description, weights.sizes);
  if (description.optimizer) {
    const { spec, steps, buffers } = description.optimizer;
    const moments = Object.fromEntries(buffers.map((name, index) => [name, views.moments[index]]));
    optimizer?.restore({ spec, steps, buffers: moments });
  }
  weights.write(views.parameters, views.buffers);
  if (views.gradients) weights.gradients.set(views.gradients);
  if (views.average) weights.average = new AverageWeights(views.average.parameters, views.average.buffers);
}
