/**
 * Entry of a replica's thread: opens the engine, builds the model, greets, then answers commands in order
 * until told to close. Whatever is thrown goes back as a reply; the thread itself never dies of it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ControlBlock } from '../allreduce/control-block.js';
import type { EngineName } from '../engine/engine.js';
import { openEngine } from '../engine/registry.js';
import { errorToWire } from '../errors.js';
import { installFusedLayers } from '../nn/fused-layers.js';
import { decodeCommand, encode } from '../protocol/codec.js';
import type { Command, Greeting, ReplicaSettings, Reply, Share } from '../protocol/messages.js';
import { Purpose } from '../random.js';
import { loadRecipe } from './load-recipe.js';
import { Replica } from './replica.js';
import { seedMathRandom } from './seeded-math-random.js';

if (!parentPort) throw new Error('replica-thread.js runs only as a worker thread');
const port = parentPort;
const settings = workerData as ReplicaSettings;
const control = new ControlBlock(settings.replicas, settings.control);

function post(message: Greeting | Reply): void {
  const bytes = encode(message);
  port.postMessage(bytes, [bytes.buffer]);
}

async function build(): Promise<Replica> {
  control.enter(settings.rank, 'start');
  const { engine: name, device, recipe, seed, imageShape, classes } = settings;
  const reseed = seedMathRandom(seed);
  const engine = await openEngine(name as EngineName, device);
  installFusedLayers();
  // The same stream on every replica: they build the same model, though only replica 0's weights count.
  reseed(Purpose.initialisation, 0, 0);
  const context = { imageShape, classes, seed, options: recipe.options };
  const loaded = await loadRecipe(engine.tf, recipe, context);
  return new Replica({ settings, engine, loaded, control, reseed });
}

async function answer(replica: Replica, bytes: Uint8Array): Promise<void> {
  let command: Command | undefined;
  try {
    command = decodeCommand(bytes);
    post({ ok: true, result: await replica.run(command) });
  } catch (error) {
    post({ ok: false, error: errorToWire(error) });
  }
  if (command?.op === 'close') {
    replica.close();
    port.close();
  }
}

try {
  const replica = await build();
  let queue = Promise.resolve();
  port.on('message', (message: Uint8Array | Share) => {
    queue = queue.then(() =>
      message instanceof Uint8Array ? answer(replica, message) : replica.accept(message),
    );
  });
  post({ ok: true, ready: replica.ready() });
  control.enter(settings.rank, 'idle');
} catch (error) {
  post({ ok: false, error: errorToWire(error) });
  port.close();
}
