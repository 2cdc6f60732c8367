import { ControlBlock } from '../allreduce/control-block.js';
import type { Engine, EngineName } from '../engine/engine.js';
import { openEngine } from '../engine/registry.js';
import { installFusedLayers } from '../nn/fused-layers.js';
import type { ReplicaSettings } from '../protocol/messages.js';
import { Purpose } from '../random.js';
import { loadRecipe } from './load-recipe.js';
import { Place } from './place.js';
import { Replica } from './replica.js';
import { seedMathRandom } from './seeded-math-random.js';

export interface OpenedReplica {
  readonly replica: Replica;
  readonly engine: Engine;
  readonly place: Place;
}

/**
 * Makes this thread a replica: seeds it, opens its engine, builds the recipe's model. Once a thread.
 *
 * @throws EngineError, DeviceError, RecipeError
 */
export async function openReplica(settings: ReplicaSettings): Promise<OpenedReplica> {
  const { rank, engine: name, device, engineSettings, recipe, seed, imageShape, classes } = settings;
  const place = new Place(new ControlBlock(settings.replicas, settings.control), rank);
  place.enter('start');
  const reseed = seedMathRandom(seed);
  const engine = await openEngine(name as EngineName, device, engineSettings);
  installFusedLayers();
  // The same stream on every replica: they build the same model, though only replica 0's weights count.
  reseed(Purpose.initialisation, 0, 0);
  const context = { imageShape, classes, seed, options: recipe.options };
  const loaded = await loadRecipe(engine.tf, recipe, context, settings.loss);
  return { replica: new Replica({ settings, engine, loaded, place, reseed }), engine, place };
}
