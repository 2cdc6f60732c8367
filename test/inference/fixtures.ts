/** Some of the bundled sample before the lessons' first model, on real replicas. */
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import type { Dataset } from '../../src/data/dataset.js';
import { Subset } from '../../src/data/datasets/subset.js';
import { openData } from '../../src/data/open-dataset.js';
import type { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { models } from '../../src/models/catalog.js';
import { normalize } from '../../src/nn/transform-specs.js';

export const statistics = { mean: 0.28, std: 0.35 };

export interface Fixture {
  readonly learn: Learner;
  readonly coordinator: Coordinator;
  readonly dls: DataLoaders;
  /** 101 images: no batch size and no number of replicas divides them. */
  readonly valid: Dataset;
  close(): Promise<void>;
}

/** Batches of 16 and 32 (7 left over), normalised, `mlp` with its first weights. */
export async function makeFixture({
  replicas,
  cbs = [],
}: {
  replicas: number;
  cbs?: readonly Callback[];
}): Promise<Fixture> {
  const data = await openData('sample');
  const rows = Array.from({ length: 101 }, (_, row) => row);
  const valid = new Subset(data.valid, rows);
  const train = new Subset(data.train, rows);
  const coordinator = new Coordinator({
    engine: 'wasm',
    devices: Array.from({ length: replicas }, (_, i) => `wasm:${i}`),
    recipe: models.mlp,
    imageShape: valid.imageShape,
    classes: valid.classes,
  });
  const dls = DataLoaders.from({ train, valid }, { batchSize: 16 });
  const learn = new Learner(coordinator, dls, {
    cbs: [new TrainCB(), new BatchTransformCB(normalize(statistics)), ...cbs],
  });
  await coordinator.open();
  const close = async (): Promise<void> => {
    await Promise.all([coordinator.close(), dls.close()]);
  };
  return { learn, coordinator, dls, valid, close };
}

/** Logits of the mlp for one image, in plain JavaScript: the reference. */
export async function mlpLogits(coordinator: Coordinator, pixels: Uint8Array): Promise<number[]> {
  const { weightData, weightSpecs } = await coordinator.model();
  const flat = new Float32Array(weightData.slice().buffer);
  let at = 0;
  const [kernel1, bias1, kernel2, bias2] = weightSpecs.map(({ shape }: { shape: readonly number[] }) => {
    const size = shape.reduce((product, side) => product * side, 1);
    at += size;
    return flat.subarray(at - size, at);
  });
  const dense = (x: readonly number[], kernel: Float32Array, bias: Float32Array): number[] =>
    Array.from(bias, (b, unit) =>
      x.reduce((sum, value, i) => sum + value * kernel[i * bias.length + unit], b),
    );
  const x = Array.from(pixels, value => (value / 255 - statistics.mean) / statistics.std);
  const hidden = dense(x, kernel1, bias1).map(value => Math.max(value, 0));
  return dense(hidden, kernel2, bias2);
}

/** Largest difference between two arrays of one length. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}
