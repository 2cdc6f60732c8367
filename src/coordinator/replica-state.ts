/**
 * Training state of the replicas, brought to the coordinator and back through memory shared for the one time
 * (worker/state-buffer.ts), and the running average that they keep.
 */
import { CheckpointError, ConfigError, LearnerError } from '../errors.js';
import type { ReadyReport, StateDescription } from '../protocol/messages.js';
import type { OptimizerState, ParameterInfo, TrainingState } from '../protocol/optimizer.js';
import type { StateParts } from '../protocol/step-runner.js';
import { type StateSizes, stateLength, stateViews } from '../worker/state-buffer.js';
import type { ReplicaGroup } from './replica-group.js';

const floats = (infos: readonly ParameterInfo[]): number => infos.reduce((n, { size }) => n + size, 0);

const sharedFloats = (length: number): SharedArrayBuffer =>
  new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);

export class ReplicaState {
  readonly #group: ReplicaGroup;
  readonly #sizes: StateSizes;
  /** How many parameters there are. */
  readonly #count: number;
  #averaged = false;

  constructor(group: ReplicaGroup, { parameters, buffers }: ReadyReport) {
    this.#group = group;
    this.#count = parameters.length;
    this.#sizes = { parameters: floats(parameters), buffers: floats(buffers) };
  }

  /** A copy of replica 0's. */
  async get(parts: StateParts): Promise<TrainingState> {
    const description = await this.#group.requestOne<'describeState'>(0, { op: 'describeState', parts });
    const buffer = sharedFloats(stateLength(description, this.#sizes));
    this.#group.shareWithOne(0, { share: 'state', buffer });
    await this.#group.requestOne<'writeState'>(0, { op: 'writeState', parts });
    return copyState(buffer, description, this.#sizes);
  }

  /** @throws CheckpointError naming what does not fit, before anything has changed */
  async set(state: TrainingState): Promise<void> {
    const { optimizer, gradients, average } = state;
    checkWeights('', state, this.#sizes);
    if (average) checkWeights('average.', average, this.#sizes);
    if (gradients) checkLength('gradients', gradients, this.#sizes.parameters);
    const description: StateDescription = {
      ...(optimizer && { optimizer: await this.#describeOptimizer(optimizer) }),
      gradients: gradients !== undefined,
      average: average !== undefined,
    };
    const buffer = sharedFloats(stateLength(description, this.#sizes));
    fillState(buffer, description, this.#sizes, state);
    this.#group.share({ share: 'state', buffer });
    await this.#group.request<'readState'>(() => ({ op: 'readState', state: description }));
    if (average) this.#averaged = true;
  }

  /** @throws ConfigError when `decay` is no number of 0 … 1 */
  async average(decay: number): Promise<void> {
    if (!(decay >= 0 && decay <= 1))
      throw new ConfigError(`decay must be a number of 0 … 1, not ${decay}.`, { where: 'average' });
    await this.#group.request<'average'>(() => ({ op: 'average', decay }));
    this.#averaged = true;
  }

  /** @throws LearnerError when there is no average */
  async swapAverage(): Promise<void> {
    if (!this.#averaged)
      throw new LearnerError('There is no running average of the weights.', {
        where: 'swapAverage',
        hint: 'call average(decay) after an optimizer step first',
      });
    await this.#group.request<'swapAverage'>(() => ({ op: 'swapAverage' }));
  }

  async dropAverage(): Promise<void> {
    await this.#group.request<'dropAverage'>(() => ({ op: 'dropAverage' }));
    this.#averaged = false;
  }

  /** What the replicas' optimizer of this spec keeps, once the state given is known to be just that. */
  async #describeOptimizer({ spec, steps, buffers }: OptimizerState) {
    const unknownParameter = spec.groups.flat().find(index => !(index >= 0 && index < this.#count));
    if (unknownParameter !== undefined)
      throw unfit('optimizer.spec', `there is no parameter ${unknownParameter} of ${this.#count}`);
    const asked = { op: 'describeState', parts: {}, spec } as const;
    const { optimizer } = await this.#group.requestOne<'describeState'>(0, asked);
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

function copyState(
  memory: SharedArrayBuffer,
  description: StateDescription,
  sizes: StateSizes,
): TrainingState {
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
