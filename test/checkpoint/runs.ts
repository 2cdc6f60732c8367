/** A fit on real replicas that has all that a resumed one must get right. */
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import '../../src/checkpoint/learner-checkpoints.js';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import type { Dataset } from '../../src/data/dataset.js';
import { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { Accuracy } from '../../src/learner/metric.js';
import { adamW, type OptFunc } from '../../src/learner/optimizer.js';
import { OneCycleLR } from '../../src/learner/schedules/one-cycle.js';
import { horizontalFlip, normalize, randomCrop } from '../../src/nn/transform-specs.js';
import { Purpose, Random } from '../../src/random.js';
import { threadUrl } from '../../src/thread-url.js';
import { classes, imageShape } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import type { FaultyOptions } from '../fixtures/faulty-recipe.js';

/** Images of seeded noise, each class a little brighter than the one before. */
export function noiseDataset(length: number): Dataset {
  const random = new Random({ seed: 9, purpose: Purpose.split });
  const size = imageShape.reduce((n, d) => n * d, 1);
  const labels = Int32Array.from({ length }, (_, row) => row % classes.length);
  const images = Array.from(labels, label =>
    Uint8Array.from({ length: size }, () => random.below(160) + 24 * label),
  );
  return {
    length,
    classes,
    imageShape,
    labels,
    describe: row => `row ${row}`,
    get: async index => ({ pixels: images[index], label: labels[index], index }),
  };
}

export interface Parts {
  readonly coordinator: Coordinator;
  readonly learner: Learner;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly replicas?: number;
  readonly cbs?: readonly Callback[];
  readonly optFunc?: OptFunc;
  readonly model?: 'dropout-recipe' | 'plain-recipe' | 'faulty-recipe';
  /** Of the faulty recipe. */
  readonly fault?: FaultyOptions;
  /** 100 samples to train on, in the place of seeded noise. */
  readonly train?: Dataset;
  /** Draw augmentation by image, not by batch. */
  readonly perItem?: boolean;
  readonly clock?: () => number;
  readonly signal?: AbortSignal;
}

/** 100 samples in batches of 30: four steps an epoch, the last of ten samples. */
export function makeRun({
  replicas = 2,
  cbs = [],
  optFunc = adamW(),
  signal,
  clock,
  perItem,
  model = 'dropout-recipe',
  fault,
  train = noiseDataset(100),
}: RunOptions = {}): Parts {
  const url = threadUrl(`../fixtures/${model}`, import.meta.url).href;
  const coordinator = makeCoordinator(replicas, { recipe: { url, options: { ...fault } } });
  const pair = { train, valid: noiseDataset(40) };
  const loaders = DataLoaders.from(pair, { batchSize: 30, numWorkers: 0, seed: 3 });
  const learner = new Learner(coordinator, loaders, {
    lr: 0.01,
    optFunc,
    signal,
    clock,
    cbs: [
      new TrainCB(),
      new BatchTransformCB([randomCrop({ padding: 1, perItem }), horizontalFlip({ perItem })], {
        onValid: false,
      }),
      new BatchTransformCB(normalize({ mean: [0.45], std: [0.25] })),
      new MetricsCB(new Accuracy()),
      new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.02, totalSteps })),
      ...cbs,
    ],
  });
  const close = async (): Promise<void> => {
    await coordinator.close();
    await loaders.close();
  };
  return { coordinator, learner, close };
}

/** Saves under `path(n)` after the n-th training batch, of those named, once all other callbacks have seen it. */
export class SaveAt extends Callback {
  override order = 1000;
  readonly #batches: readonly number[];
  readonly #path: (batch: number) => string;

  constructor(batches: readonly number[], path: (batch: number) => string) {
    super();
    this.#batches = batches;
    this.#path = path;
  }

  override async afterBatch(learn: Learner): Promise<void> {
    const batch = learn.epoch * learn.dl.length + learn.iter + 1;
    if (learn.training && this.#batches.includes(batch)) await learn.save(this.#path(batch));
  }
}
