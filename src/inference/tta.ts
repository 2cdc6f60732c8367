/** Test-time augmentation: the mean of what a model says about several versions of the same images. */
import { BatchTransformCB } from '../callbacks/batch-transform.js';
import { AbortedError, ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import { horizontalFlip } from '../nn/transform-specs.js';
import type { TransformSpec } from '../protocol/batch.js';
import type { CapturedPreds, FloatArray } from './captured-preds.js';
import type { GetPredsOptions } from './get-preds.js';
import './get-preds.js';
import { type Averaged, averagedForm, checkAveraged, combine, mean } from './mean-preds.js';

export interface TtaOptions extends Pick<GetPredsOptions, 'loader' | 'dataset' | 'cbs'> {
  /**
   * Without `n`: one more pass with each of them, so they should leave nothing to chance. Default: one, mirrored
   * (`horizontalFlip({ p: 1 })`). With `n`: what each of the passes does, as in training.
   */
  readonly transforms?: readonly TransformSpec[];
  /** Passes with `transforms` drawn anew in each. */
  readonly n?: number;
  /**
   * Weight of the plain pass: augmented + beta · (plain − augmented). Default: 0.25 with `n`, else that of each
   * other pass.
   */
  readonly beta?: number;
  /** Of the augmented passes take the highest of each score in place of their mean. Default false. */
  readonly useMax?: boolean;
  /** What is averaged. Default: `probabilities` with `n`, else `logits`. */
  readonly average?: Averaged;
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * Predictions with test-time augmentation. As it stands that of the lessons: the mean of the logits of the plain
     * and of the mirrored images. With `n`, `beta` and `useMax` that of fastai.
     *
     * @returns logits, or probabilities where these are averaged
     * @throws ConfigError on unusable options; LearnerError, CallbackError as `getPreds`; AbortedError where it was
     * ended between passes
     */
    tta(options?: TtaOptions): Promise<CapturedPreds>;
  }
}

/** Has the transforms of a pass draw other numbers than those of any other: draws are keyed by the epoch. */
class DrawCB extends Callback {
  readonly #pass: number;

  constructor(pass: number) {
    super();
    this.#pass = pass;
  }

  override beforeBatch(learn: Learner): void {
    learn.batch = { ...learn.batch, epoch: this.#pass };
  }
}

async function tta(this: Learner, options: TtaOptions = {}): Promise<CapturedPreds> {
  checkTta(options);
  const { loader, dataset, cbs = [], n, useMax = false } = options;
  const { average = n === undefined ? 'logits' : 'probabilities' } = options;
  const plain = await this.getPreds({ loader, dataset, cbs });
  const augmented: FloatArray[] = [];
  for (const [pass, transforms] of passesOf(options).entries()) {
    // After the callbacks that normalise, and where those of training would be.
    const own = [new DrawCB(pass), new BatchTransformCB(transforms, { onTrain: false })];
    const { preds } = await this.getPreds({ loader, dataset, cbs: [...cbs, ...own] });
    if (preds.shape.join() !== plain.preds.shape.join()) throw endedEarly();
    augmented.push(averagedForm(preds, average));
  }
  const { beta = n === undefined ? 1 / (augmented.length + 1) : 0.25 } = options;
  const middle = (values: readonly number[]): number => (useMax ? Math.max(...values) : mean(values));
  const preds = combine([averagedForm(plain.preds, average), ...augmented], ([own, ...others]) => {
    const rest = middle(others);
    return rest + beta * (own - rest);
  });
  return { ...plain, preds };
}

const endedEarly = (): AbortedError =>
  new AbortedError('the passes did not get equally far', {
    where: 'tta',
    hint: "the learner's signal was aborted, or a callback raised a cancel in one pass only",
  });

function passesOf({ n, transforms }: TtaOptions): (TransformSpec | readonly TransformSpec[])[] {
  const specs = transforms ?? [horizontalFlip({ p: 1 })];
  return n === undefined ? [...specs] : Array.from({ length: n }, () => specs);
}

/** @throws ConfigError */
function checkTta({ n, beta, transforms, average = 'logits' }: TtaOptions): void {
  const fail = (where: string, message: string, hint: string): ConfigError =>
    new ConfigError(message, { where: `tta ${where}`, hint });
  checkAveraged(average, 'tta');
  if (n !== undefined && !(Number.isInteger(n) && n > 0))
    throw fail('n', `n is ${n}.`, 'a whole number of passes, 1 or more');
  if (n !== undefined && transforms === undefined)
    throw fail('transforms', 'n passes have no transforms.', 'give those of the training');
  if (transforms?.length === 0)
    throw fail('transforms', 'there are no transforms.', 'give one, or leave them out');
  if (beta !== undefined && !(beta >= 0 && beta <= 1))
    throw fail('beta', `beta is ${beta}.`, 'a number from 0 to 1');
}

addMethods({ tta });
