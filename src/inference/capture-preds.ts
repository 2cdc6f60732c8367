import { CallbackError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { Predictions } from '../protocol/step-runner.js';
import type { CapturedPreds, FloatArray } from './captured-preds.js';

interface Part {
  readonly preds: FloatArray;
  readonly targets: Int32Array;
  readonly indices: Uint32Array;
  readonly inputs?: FloatArray;
}

export interface CapturePredsOptions {
  /** Keep what the model was given too: as much memory as the images take as float32. Default false. */
  readonly inputs?: boolean;
}

/**
 * Keeps the predictions of the phase under way, copied out of the replicas' shared memory. Each phase begins anew, so
 * after a fit it holds those of the last validation; one that was cancelled leaves what it had got to.
 */
export class CapturePredsCB extends Callback {
  override readonly needsPredictions = true;
  readonly #inputs: boolean;
  #parts: Part[] = [];

  constructor({ inputs = false }: CapturePredsOptions = {}) {
    super();
    this.#inputs = inputs;
  }

  override beforeEpoch(): void {
    this.#parts = [];
  }

  /** @throws CallbackError where whatever supplies `predict` gave no predictions */
  override async afterBatch({ batch, preds, runner, training }: Learner): Promise<void> {
    if (preds === undefined)
      throw new CallbackError('CapturePredsCB found no predictions for the batch.', {
        where: 'predict',
        hint: 'whatever supplies predict must set learn.preds when learn.needsPredictions',
      });
    // Copies: the slot and the predictions' memory belong to the next batch soon.
    const part = { preds: copy(preds), targets: batch.labels.slice(), indices: batch.indices.slice() };
    const inputs = this.#inputs ? { inputs: copy(await runner.inputs(batch, { training })) } : {};
    this.#parts.push({ ...part, ...inputs });
  }

  /** Samples kept so far. */
  get length(): number {
    return this.#parts.reduce((sum, { indices }) => sum + indices.length, 0);
  }

  /** All that is kept, in the order of the dataset's rows, whatever the order it came in. */
  captured(): CapturedPreds {
    const indices = join(new Uint32Array(this.length), this.#parts, ({ indices }) => indices);
    const order = Uint32Array.from(indices.keys()).sort((a, b) => indices[a] - indices[b] || a - b);
    const targets = join(new Int32Array(this.length), this.#parts, ({ targets }) => targets);
    const inputs = this.#parts.flatMap(part => part.inputs ?? []);
    return {
      preds: inOrder(
        this.#parts.map(({ preds }) => preds),
        order,
      ),
      targets: Int32Array.from(order, place => targets[place]),
      indices: Uint32Array.from(order, place => indices[place]),
      ...(this.#inputs ? { inputs: inOrder(inputs, order) } : {}),
    };
  }
}

const copy = ({ data, shape }: Predictions): FloatArray => ({ data: data.slice(), shape: [...shape] });

function join<T extends Uint32Array | Int32Array>(
  target: T,
  parts: readonly Part[],
  of: (part: Part) => T,
): T {
  let at = 0;
  for (const part of parts) {
    target.set(of(part), at);
    at += of(part).length;
  }
  return target;
}

/** Samples of the parts, one after the other, as `order` has them. */
function inOrder(parts: readonly FloatArray[], order: Uint32Array): FloatArray {
  const [, ...shape] = parts[0]?.shape ?? [0];
  const width = shape.reduce((product, size) => product * size, 1);
  const samples = parts.flatMap(({ data }) =>
    Array.from({ length: data.length / width }, (_, i) => data.subarray(i * width, (i + 1) * width)),
  );
  const data = new Float32Array(order.length * width);
  for (const [place, sample] of order.entries()) data.set(samples[sample], place * width);
  return { data, shape: [order.length, ...shape] };
}
