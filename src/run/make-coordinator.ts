import { Coordinator } from '../coordinator/coordinator.js';
import type { CoordinatorOptions } from '../coordinator/coordinator-options.js';
import type { Dataset } from '../data/dataset.js';
import type { DeviceChoice } from '../engine/devices.js';
import type { TrainConfig } from './config.js';
import { recipeReference } from './recipe-reference.js';

/** The replicas that a run's settings ask for; not open yet. @throws RecipeError when its file is not there */
export function makeCoordinator(
  config: TrainConfig,
  { engine, devices }: DeviceChoice,
  { imageShape, classes }: Dataset,
  own: Pick<CoordinatorOptions, 'onOutput' | 'onWarning' | 'signal'>,
): Coordinator {
  const { labelSmoothing, precision, tf32, deterministic, cudaGraph } = config;
  return new Coordinator({
    engine,
    engineSettings: { precision, tf32, deterministic, cudaGraph },
    devices: devices.map(({ id }) => id),
    recipe: recipeReference(config),
    loss: labelSmoothing > 0 ? { name: 'crossEntropy', labelSmoothing } : undefined,
    imageShape,
    classes,
    seed: config.seed,
    verify: config.verify,
    stallTimeoutMs: config.stallTimeout * 1000,
    stallWarningMs: config.stallWarning * 1000,
    onReplicaFailure: config.onReplicaFailure,
    maxRestarts: config.maxRestarts,
    startTimeoutMs: config.startTimeout * 1000,
    ...own,
  });
}
