import { DataLoader } from '../data/data-loader.js';
import type { Dataset } from '../data/dataset.js';
import { ConfigError } from '../errors.js';
import type { Callback } from '../learner/callback.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import type { BatchLoader } from '../learner/loaders.js';
import { CapturePredsCB } from './capture-preds.js';
import { type CapturedPreds, softmax } from './captured-preds.js';

export interface GetPredsOptions {
  /** Whose samples. Default: the validation loader. */
  readonly loader?: BatchLoader;
  /** Whose samples, loaded as the validation loader loads its own (`DataLoader.testLoader`), in the place of `loader`. */
  readonly dataset?: Dataset;
  /** What to make of the model's outputs. Default `none`: logits stay logits. */
  readonly activation?: 'none' | 'softmax';
  /** Callbacks for this call, after the learner's own. */
  readonly cbs?: readonly Callback[];
  /** Keep what the model was given too. Default false. */
  readonly inputs?: boolean;
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * Predictions of all replicas for a whole dataset, in the order of its rows, whatever order the loader has them
     * in. Nothing is trained: no optimizer is made, and the weights stay. The learner's callbacks see each batch as
     * in a validation, so what normalises there does so here; those of a fit only stay out. A cancel ends it early
     * with what there is.
     *
     * @throws ConfigError, LearnerError, CallbackError when misused
     */
    getPreds(options?: GetPredsOptions): Promise<CapturedPreds>;
    /** miniai's `capture_preds`: `getPreds` of the validation loader, the model's outputs as they are. */
    capturePreds(options?: Pick<GetPredsOptions, 'cbs' | 'inputs'>): Promise<CapturedPreds>;
  }
}

async function getPreds(this: Learner, options: GetPredsOptions = {}): Promise<CapturedPreds> {
  const { loader, dataset, activation = 'none', cbs = [], inputs } = options;
  if (loader !== undefined && dataset !== undefined)
    throw new ConfigError('loader and dataset are given.', { where: 'getPreds', hint: 'give one of them' });
  if (activation !== 'none' && activation !== 'softmax')
    throw new ConfigError(`there is no activation ${activation}.`, {
      where: 'getPreds activation',
      hint: 'none or softmax',
    });
  const capture = new CapturePredsCB({ inputs });
  const validate = (source: BatchLoader): Promise<void> => this.runValidation(source, [...cbs, capture]);
  if (dataset === undefined) await inSameEpoch(loader ?? this.dls.valid, validate);
  else await withLoader(testLoaderOf(this, dataset), validate);
  const captured = capture.captured();
  // Without a batch, even the width of a prediction is not known.
  return activation === 'none' || capture.length === 0
    ? captured
    : { ...captured, preds: softmax(captured.preds) };
}

function capturePreds(
  this: Learner,
  { cbs, inputs }: Pick<GetPredsOptions, 'cbs' | 'inputs'> = {},
): Promise<CapturedPreds> {
  return this.getPreds({ cbs, inputs });
}

/** Going through a loader moves it to its next epoch; training must not notice. */
async function inSameEpoch(loader: BatchLoader, use: (loader: BatchLoader) => Promise<void>): Promise<void> {
  const { epoch } = loader;
  try {
    await use(loader);
  } finally {
    if (epoch !== undefined) loader.epoch = epoch;
  }
}

async function withLoader(loader: DataLoader, use: (loader: BatchLoader) => Promise<void>): Promise<void> {
  try {
    await use(loader);
  } finally {
    await loader.close();
  }
}

const testLoaderOf = ({ dls }: Learner, dataset: Dataset): DataLoader =>
  dls.valid instanceof DataLoader ? dls.valid.testLoader(dataset) : new DataLoader(dataset);

addMethods({ getPreds, capturePreds });
