/**
 * Training state of the replicas, brought to the coordinator, back, and from one to another through memory shared for
 * the one time (worker/state-buffer.ts), and the commands about the running average that they keep.
 */
import { CheckpointError, ConfigError, LearnerError } from '../errors.js';
import type { CommandOf, ReadyReport, StateDescription } from '../protocol/messages.js';
import type { OptimizerState, ParameterInfo, TrainingState } from '../protocol/optimizer.js';
import type { StateParts } from '../protocol/step-runner.js';
import { type StateSizes, stateLength, stateViews } from '../worker/state-buffer.js';
import type { ReplicaGroup } from './replica-group.js';

const floats = (infos: readonly ParameterInfo[]): number => infos.reduce((n, { size }) => n + size, 0);

export const sharedFloats = (length: number): SharedArrayBuffer =>
  new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);

type Model = Pick<ReadyReport, 'parameters' | 'buffers'>;

/** Floats of all parameters, and of all buffers, of a model. */
export const sizesOf = ({ parameters, buffers }: Model): StateSizes => ({
  parameters: floats(parameters),
  buffers: floats(buffers),
});

/** Has one replica write its state to memory shared for that. */
async function writtenState(
  group: ReplicaGroup,
  rank: number,
  parts: StateParts,
  sizes: StateSizes,
): Promise<{ description: StateDescription; memory: SharedArrayBuffer }> {
  const description = await group.requestOne<'describeState'>(rank, { op: 'describeState', parts });
  const memory = sharedFloats(stateLength(description, sizes));
  group.shareWithOne(rank, { share: 'state', buffer: memory });
  await group.requestOne<'writeState'>(rank, { op: 'writeState', parts });
  return { description, memory };
}

/** Gives the replicas of the ranks `to` all that the one of the rank `from` holds. */
export async function copyState(
  group: ReplicaGroup,
  model: Model,
  from: number,
  to: readonly number[],
): Promise<void> {
  const parts = { optimizer: true, gradients: true, average: true };
  const { description, memory } = await writtenState(group, from, parts, sizesOf(model));
  for (const rank of to) group.shareWithOne(rank, { share: 'state', buffer: memory });
  const takers = to.map(rank => group.replicas[rank]);
  await group.request<'readState'>(() => ({ op: 'readState', state: description }), takers);
}

export class ReplicaState {
  readonly #sizes: StateSizes;
  /** How many parameters there are. */
  readonly #count: number;
  #averaged = false;

  constructor(model: Model) {
    this.#count = model.parameters.length;
    this.#sizes = sizesOf(model);
  }

  /** A copy of replica 0's. */
  async get(group: ReplicaGroup, parts: StateParts): Promise<TrainingState> {
    const { description, memory } = await writtenState(group, 0, parts, this.#sizes);
    return readOut(memory, description, this.#sizes);
  }

  /** @throws CheckpointError naming what does not fit, before anything has changed */
  async set(group: ReplicaGroup, state: TrainingState): Promise<void> {
    const { optimizer, gradients, average } = state;
    checkWeights('', state, this.#sizes);
    if (average) checkWeights('average.', average, this.#sizes);
    if (gradients) checkLength('gradients', gradients, this.#sizes.parameters);
    const description: StateDescription = {
      ...(optimizer && { optimizer: await this.#describeOptimizer(group, optimizer) }),
      gradients: gradients !== undefined,
      average: average !== undefined,
    };
    const buffer = sharedFloats(stateLength(description, this.#sizes));
    fillState(buffer, description, this.#sizes, state);
    group.share({ share: 'state', buffer });
    await group.request<'readState'>(() => ({ op: 'readState', state: description }));
    if (average) this.#averaged = true;
  }

  /** @throws ConfigError when `decay` is no number of 0 … 1 */
  average(decay: number): CommandOf<'average'> {
    if (!(decay >= 0 && decay <= 1))
      throw new ConfigError(`decay must be a number of 0 … 1, not ${decay}.`, { where: 'average' });
    this.#averaged = true;
    return { op: 'average', decay };
  }

  /** @throws LearnerError when there is no average */
  swapAverage(): CommandOf<'swapAverage'> {
    if (!this.#averaged)
      throw new LearnerError('There is no running average of the weights.', {
        where: 'swapAverage',
        hint: 'call average(decay) after an optimizer step first',
      });
    return { op: 'swapAverage' };
  }

  dropAverage(): CommandOf<'dropAverage'> {
    this.#averaged = false;
    return { op: 'dropAverage' };
  }

  /** What the replicas' optimizer of this spec keeps, once the state given is known to be just that. */
  async #describeOptimizer(group: ReplicaGroup, { spec, steps, buffers }: OptimizerState) {
    const unknownParameter = spec.groups.flat().find(index => !(index >= 0 && index < this.#count));
    if (unknownParameter !== undefined)
      throw unfit('optimizer.spec', `there is no parameter ${unknownParameter} of ${this.#count}`);
    const asked = { op: 'describeState', parts: {}, spec } as const;
    const { optimizer } = await group.requestOne<'describeState'>(0, asked);
    const names = optimizer?.buffers ?? [];
    for (const name of names) checkLength(`optimizer.buffers.${name}`, buffers[name], this.#sizes.parameters);
    const unknown = Object.keys(buffers).find(name => !names.includes(name));
    if (unknown !== undefined)
      throw unfit(`optimizer.buffers.${unknown}`, `${spec.kind} keeps ${names.join(', ') || 'nothing'}`);
    const counted = steps.length === spec.groups.length && steps.every(n => Number.isInteger(n) && n >= 0);
    if (!counted)
      throw unfit('optimizer.steps', `[${steps}] are not the steps of ${spec.groups.length} groups`);
    return { spec, steps, buffers: names };
  }
}

function readOut(memory: SharedArrayBuffer, description: StateDescription, sizes: StateSizes): TrainingState {
  const views = stateViews(memory, description, sizes);
  // slice() of a view of shared memory gives memory of one's own.
  const weights = ({ parameters, buffers }: { parameters: Float32Array; buffers: Float32Array }) => ({
    parameters: parameters.slice(),
    buffers: buffers.slice(),
  });
  const { optimizer } = description;
  const moments = optimizer?.buffers.map((name, index) => [name, views.moments[index].slice()] as const);
  return {
    ...weights(views),
    ...(optimizer && moments && { optimizer: { ...optimizer, buffers: Object.fromEntries(moments) } }),
    ...(views.gradients && { gradients: views.gradients.slice() }),
    ...(views.average && { average: weights(views.average) }),
  };
}

function fillState(
  memory: SharedArrayBuffer,
  description: StateDescription,
  sizes: StateSizes,
  { parameters, buffers, optimizer, gradients, average }: TrainingState,
): void {
  const views = stateViews(memory, description, sizes);
  views.parameters.set(parameters);
  views.buffers.set(buffers);
  if (gradients) views.gradients?.set(gradients);
  if (average) {
    views.average?.parameters.set(average.parameters);
    views.average?.buffers.set(average.buffers);
  }
  description.optimizer?.buffers.forEach((name, index) => {
    if (optimizer) views.moments[index].set(optimizer.buffers[name]);
  });
}

function checkWeights(
  prefix: string,
  { parameters, buffers }: Pick<TrainingState, 'parameters' | 'buffers'>,
  sizes: StateSizes,
): void {
  checkLength(`${prefix}parameters`, parameters, sizes.parameters);
  checkLength(`${prefix}buffers`, buffers, sizes.buffers);
}

function checkLength(part: string, values: Float32Array | undefined, length: number): void {
  if (values?.length === length) return;
  throw unfit(part, `it has ${values?.length ?? 'no'} values, where the model has ${length}`);
}

const unfit = (part: string, why: string): CheckpointError =>
  new CheckpointError(`The training state does not fit the model: ${why}.`, {
    where: `state ${part}`,
    hint: 'set the state of a model of the same recipe and options, with the optimizer it was trained with',
  });
