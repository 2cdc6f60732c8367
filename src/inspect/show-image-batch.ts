import { ConfigError, LearnerError } from '../errors.js';
import type { Callback } from '../learner/callback.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import type { BatchLoader } from '../learner/loaders.js';
import { type Figure, type GridOptions, showImages } from '../plot/figure.js';
import { type PixelScale, picturesOf } from '../plot/picture.js';
import type { Batch } from '../protocol/batch.js';
import { stepCallbacks } from './step-callbacks.js';

export interface ShowImageBatchOptions extends GridOptions, PixelScale {
  /** At most so many images. Default 9. */
  readonly max?: number;
  /** Added to the Learner's callbacks for this batch, such as a `BatchTransformCB`. */
  readonly cbs?: readonly Callback[];
  /** One for each class, instead of the dataset's. */
  readonly classes?: readonly string[];
  /** Also writes the picture here, `.svg` or `.png`. */
  readonly file?: string;
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * What the model really sees: images of the next training batch after all transforms of loader and callbacks, with
     * their classes. Nothing is trained; weights, random draws and the loader's order stay as they were.
     */
    showImageBatch(options?: ShowImageBatchOptions): Promise<Figure>;
  }
}

async function showImageBatch(this: Learner, options: ShowImageBatchOptions = {}): Promise<Figure> {
  const { max = 9, cbs = [], classes, file, ...show } = options;
  if (!Number.isInteger(max) || max < 1)
    throw new ConfigError(`max must be a whole number above 0, not ${max}.`, { where: 'showImageBatch' });
  await this.runner.open();
  const names = classes ?? classesOf(this.dls.train);
  const { images, labels } = await asTrained(this, cbs, async batch => {
    const { data, shape } = await this.runner.inputs(batch, { training: true });
    // Copies: the memory is the runner's and the loader's.
    return { images: picturesOf({ data: data.slice(), shape }), labels: [...batch.labels] };
  });
  const titles = labels.map(label => names?.[label] ?? String(label));
  const figure = showImages(images.slice(0, max), { ...show, titles });
  if (file !== undefined) await figure.save(file);
  return figure;
}

/**
 * Calls `fn` with the next training batch as a training step would get it, and puts back what that changed: the
 * Learner's state, and where the loader stands.
 */
async function asTrained<T>(
  learn: Learner,
  cbs: readonly Callback[],
  fn: (batch: Batch) => Promise<T>,
): Promise<T> {
  const { batch, training, dl, iter } = learn;
  const loader = learn.dls.train;
  const { epoch, startBatch } = loader;
  const callbacks = stepCallbacks([...learn.cbs, ...cbs]).toSorted((a, b) => a.order - b.order);
  try {
    Object.assign(learn, { training: true, dl: loader, iter: startBatch ?? 0 });
    for await (const first of loader) {
      learn.batch = first;
      for (const callback of callbacks) await callback.beforeBatch?.(learn);
      return await fn(learn.batch);
    }
  } finally {
    Object.assign(learn, { batch, training, dl, iter });
    if (epoch !== undefined) loader.epoch = epoch;
    if (startBatch !== undefined) loader.startBatch = startBatch;
  }
  throw new LearnerError('The training loader has no batches.', { where: 'showImageBatch' });
}

/** Of a loader that has a dataset, as `DataLoader` does. */
function classesOf(loader: BatchLoader & { dataset?: { classes?: readonly string[] } }) {
  return loader.dataset?.classes;
}

addMethods({ showImageBatch });
