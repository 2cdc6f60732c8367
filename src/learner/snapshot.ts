import type { GroupSettings, TrainingState } from '../protocol/optimizer.js';
import type { Learner } from './learner.js';
import type { BatchLoader } from './loaders.js';

/** What a fit leaves behind on the Learner itself. */
const fitState = [
  'opt',
  'globalStep',
  'position',
  'nEpochs',
  'epochs',
  'epoch',
  'training',
  'dl',
  'iter',
  'batch',
  'result',
  'stepped',
  'metrics',
  'lastRow',
  'stopped',
  'stopReason',
  'failure',
  'resumed',
] as const satisfies readonly (keyof Learner)[];

/**
 * Runs `fn`, which may train, and puts back what that changed, whether it succeeds or fails: parameters, buffers,
 * optimizer and its settings, gradients, running average, the epochs that the loaders are at, and the state of the
 * Learner. Training then goes on bit for bit as if nothing had happened. Callbacks that keep numbers of their own keep
 * them; not to be called within a fit.
 *
 * @returns what `fn` returned
 */
export async function withSnapshot<T>(learn: Learner, fn: () => Promise<T>): Promise<T> {
  await learn.runner.open();
  const restore = await takeSnapshot(learn);
  let value: T;
  try {
    value = await fn();
  } catch (error) {
    // Where the replicas are gone there is nothing to restore, and why they are is what `error` says.
    await restore().catch(() => {});
    throw error;
  }
  await restore();
  return value;
}

async function takeSnapshot(learn: Learner): Promise<() => Promise<void>> {
  const { runner, dls } = learn;
  const state = await runner.getState({ optimizer: true, gradients: true, average: true });
  const own = Object.fromEntries(fitState.map(field => [field, learn[field]]));
  const restoreSettings = snapshotSettings(learn);
  const restoreLoaders = [dls.train, dls.valid].map(snapshotLoader);
  return async () => {
    Object.assign(learn, own);
    restoreSettings();
    for (const restoreLoader of restoreLoaders) restoreLoader();
    await restoreRunner(learn, state);
  };
}

async function restoreRunner({ runner }: Learner, state: TrainingState): Promise<void> {
  // setState leaves alone what a state has not.
  if (!state.gradients) await runner.zeroGrad(0);
  if (!state.average) await runner.dropAverage();
  await runner.setState(state);
}

/** In place: schedulers may hold the groups. */
function snapshotSettings({ opt }: Learner): () => void {
  const saved = (opt?.paramGroups ?? []).map((group): [GroupSettings, GroupSettings] => [
    group,
    { ...group },
  ]);
  return () => {
    for (const [group, settings] of saved) {
      for (const name of Object.keys(group)) if (!(name in settings)) delete group[name];
      Object.assign(group, settings);
    }
  };
}

function snapshotLoader(loader: BatchLoader): () => void {
  const { epoch, startBatch } = loader;
  return () => {
    if (epoch !== undefined) loader.epoch = epoch;
    if (startBatch !== undefined) loader.startBatch = startBatch;
  };
}
