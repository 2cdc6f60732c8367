/** A small model that fails once, on replica 0, in the way it is told to. */
import { writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { ReplicaSettings } from '../src/protocol/messages.js';
import { defineRecipe } from '../src/worker/recipe.js';

export interface SoakOptions {
  /** `throw`: an error; `exit`: the thread ends; `kill`: the whole process does. Default: nothing. */
  readonly fault?: 'throw' | 'exit' | 'kill';
  /** At which call of the loss, from 0. */
  readonly call?: number;
  /** Path that is made by the fault, which strikes only where it is not yet there. */
  readonly marker?: string;
}

const { rank, recipe } = workerData as ReplicaSettings;
const { fault, call = 0, marker = '' } = recipe.options as SoakOptions;
let calls = 0;

function perhapsFail(): void {
  if (fault === undefined || rank !== 0 || calls++ !== call) return;
  try {
    writeFileSync(marker, '', { flag: 'wx' });
  } catch {
    // It has struck.
    return;
  }
  if (fault === 'throw') throw new Error('as asked for');
  if (fault === 'exit') process.exit(1);
  process.kill(process.pid, 'SIGKILL');
}

export default defineRecipe({
  name: 'soak',
  model(tf, { imageShape, classes }) {
    return tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [...imageShape] }),
        tf.layers.dense({ units: 32, activation: 'relu' }),
        tf.layers.dense({ units: classes.length }),
      ],
    });
  },
  loss(tf, predictions, targets) {
    perhapsFail();
    const target = tf.oneHot(targets, predictions.shape[1] ?? 0);
    return tf.mean(tf.square(tf.sub(predictions, target)));
  },
});
