/** What a Learner and its replicas are at this moment, as a checkpoint. */
import { CheckpointError } from '../errors.js';
import type { Learner } from '../learner/learner.js';
import type { OptimizerState, ParameterInfo } from '../protocol/optimizer.js';
import type { CheckpointContent, CheckpointInfo } from './checkpoint.js';
import { float32Tensor, type StoredTensor } from './safetensors.js';

export interface CaptureOptions {
  /** With moments, gradients not yet used, and running average. Default true. */
  readonly optimizer?: boolean;
  /** Row of the validation just done. */
  readonly metrics?: Readonly<Record<string, unknown>>;
  /** What to keep beside it, as JSON. */
  readonly run?: Readonly<Record<string, unknown>>;
}

/** Names of the tensors of a checkpoint, by what they hold of a weight. */
export const tensorNames = {
  moment: (parameter: string, moment: string): string => `optim/${parameter}/${moment}`,
  gradient: (parameter: string): string => `gradient/${parameter}`,
  average: (weight: string): string => `average/${weight}`,
};

/** @throws CheckpointError when two callbacks with a state have one name */
export async function capture(
  learn: Learner,
  { optimizer = true, metrics, run = {} }: CaptureOptions = {},
): Promise<CheckpointContent> {
  const { runner } = learn;
  await runner.open();
  const parts = optimizer && learn.opt ? { optimizer, gradients: true, average: true } : {};
  const state = await runner.getState(parts);
  const tensors = new Map<string, StoredTensor>();
  const put = (
    infos: readonly ParameterInfo[],
    flat: Float32Array,
    name: (weight: string) => string = weight => weight,
  ): void => {
    for (const info of infos) {
      const data = flat.subarray(info.offset, info.offset + info.size);
      tensors.set(name(info.name), float32Tensor(data, info.shape));
    }
  };
  put(runner.parameters, state.parameters);
  put(runner.buffers, state.buffers);
  for (const [moment, flat] of Object.entries(state.optimizer?.buffers ?? {}))
    put(runner.parameters, flat, parameter => tensorNames.moment(parameter, moment));
  if (state.gradients) put(runner.parameters, state.gradients, tensorNames.gradient);
  if (state.average) {
    put(runner.parameters, state.average.parameters, tensorNames.average);
    put(runner.buffers, state.average.buffers, tensorNames.average);
  }
  const info: CheckpointInfo = {
    format: 'gradring-checkpoint',
    version: 1,
    position: learn.position,
    globalStep: learn.globalStep,
    nEpochs: learn.nEpochs,
    loaders: { train: servedEpoch(learn), valid: learn.dls.valid.epoch ?? null },
    parameters: runner.parameters.map(({ name }) => name),
    buffers: runner.buffers.map(({ name }) => name),
    optimizer: state.optimizer ? describeOptimizer(learn, state.optimizer) : null,
    gradients: state.gradients !== undefined,
    average: state.average !== undefined,
    callbacks: await callbackStates(learn),
    metrics: metrics ?? null,
    run: { ...run },
    created: new Date().toISOString(),
  };
  return { info, tensors };
}

/** Epoch that the training loader serves or, between two, serves next. */
function servedEpoch({ position, training, batch, dls: { train } }: Learner): number | null {
  if (train.epoch === undefined) return null;
  const isUnderWay = position.phase === 'train' && position.batch > 0;
  // Not where a resumed fit was ended before its first batch: the loader still waits to begin there.
  if (!isUnderWay || train.startBatch === position.batch) return train.epoch;
  return training ? batch.epoch : train.epoch - 1;
}

function describeOptimizer(
  { opt, runner }: Learner,
  { steps, buffers }: OptimizerState,
): NonNullable<CheckpointInfo['optimizer']> {
  return {
    kind: opt.kind,
    groups: opt.paramGroups.map(({ params, ...settings }, index) => ({
      parameters: params.map(parameter => runner.parameters[parameter].name),
      initial: { ...opt.initial[index] },
      settings,
      steps: steps[index],
    })),
    moments: Object.keys(buffers),
  };
}

async function callbackStates(learn: Learner): Promise<Record<string, unknown>> {
  const states: Record<string, unknown> = {};
  for (const callback of learn.cbs) {
    if (!callback.saveState) continue;
    const state = await callback.saveState(learn);
    if (state === undefined) continue;
    if (Object.hasOwn(states, callback.stateName))
      throw new CheckpointError(`two callbacks would keep their state as ${callback.stateName}`, {
        where: callback.stateName,
        hint: 'derive a class from one of them, or override its stateName',
      });
    states[callback.stateName] = state;
  }
  return states;
}
