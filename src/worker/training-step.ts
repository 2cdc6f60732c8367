/**
 * The tensors of one step on one replica, from upload to gradients. The tape stays open between calls, so that
 * the Learner's five steps can be run one at a time.
 */
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { CompiledModel, Engine } from '../engine/engine.js';
import { LearnerError, RecipeError } from '../errors.js';
import { backward, discard, recordForward, type Tape } from '../nn/tape.js';
import type { HookSpec } from '../protocol/hooks.js';
import type { LossReport, Shard } from '../protocol/messages.js';
import type { Tally } from '../protocol/step-runner.js';
import { LayerHooks } from './hooks.js';
import type { LoadedRecipe } from './load-recipe.js';
import type { DeviceShard } from './shard-reader.js';

interface OpenStep {
  readonly shard: Shard;
  readonly data: DeviceShard;
  readonly predictions: Tensor;
  /** Kept while training. */
  readonly tape?: Tape;
  /** What is walked back: the loss, weighted by the shard's share of the batch, and the model's regularisers. */
  objective?: Scalar;
}

export class TrainingStep {
  /** What is put on the model's layers. */
  readonly hooks: LayerHooks;
  readonly #engine: Engine;
  readonly #loaded: LoadedRecipe;
  #compiled?: CompiledModel;
  #open?: OpenStep;

  constructor(engine: Engine, loaded: LoadedRecipe) {
    this.#engine = engine;
    this.#loaded = loaded;
    this.hooks = new LayerHooks(engine.tf, loaded.model, loaded.recipe.hooks);
    this.#compiled = engine.compile?.(loaded.model);
  }

  /**
   * Puts these hooks on the layers, in the place of all earlier ones, and prepares the model anew where it must.
   *
   * @throws ConfigError for a layer or a hook function that does not exist
   */
  setHooks(hooks: readonly HookSpec[]): void {
    this.end();
    if (!this.hooks.set(hooks)) return;
    this.#compiled?.dispose();
    this.#compiled = this.#engine.compile?.(this.#loaded.model);
  }

  /** Forward pass; takes over `data`. With `training` the tape is recorded. */
  predict(shard: Shard, data: DeviceShard, training: boolean): Tensor {
    this.end();
    this.hooks.begin(training);
    const { tf } = this.#engine;
    const run = () => this.#apply(data.inputs, training);
    try {
      if (training) {
        const { value, tape } = recordForward(tf, run);
        this.#open = { shard, data, predictions: value, tape };
      } else {
        this.#open = { shard, data, predictions: tf.tidy(run) };
      }
    } catch (error) {
      data.dispose();
      throw error;
    }
    return this.#open.predictions;
  }

  #apply(inputs: Tensor, training: boolean): Tensor {
    if (this.#compiled) return this.#compiled.apply(inputs, { training });
    return this.#loaded.model.apply(inputs, { training }) as Tensor;
  }

  /** Frees what the engine prepared for the model. */
  dispose(): void {
    this.end();
    this.hooks.clear();
    this.#compiled?.dispose();
  }

  /** Loss and the recipe's metrics of the last prediction. */
  async loss(): Promise<LossReport> {
    const step = this.#require('predict');
    const { tf } = this.#engine;
    const run = () => this.#meanLoss(step);
    const mean = step.tape ? recordForward(tf, run, step.tape).value : tf.tidy(run);
    try {
      step.objective?.dispose();
      if (step.tape) step.objective = recordForward(tf, () => this.#weigh(mean, step.shard), step.tape).value;
      const { count } = step.shard;
      return { loss: { sum: (await mean.data())[0] * count, count }, metrics: await this.#metrics(step) };
    } finally {
      mean.dispose();
    }
  }

  /**
   * Walks the tape back. The gradients are those of this shard's part of the global batch's mean loss.
   *
   * @param onGradient gets each variable's final gradient once, or undefined if it has none; it may not keep it
   */
  backward(variables: readonly Tensor[], onGradient: (index: number, gradient?: Tensor) => void): void {
    const { tape, objective } = this.#require('predict');
    if (!tape || !objective) {
      throw new LearnerError('backward() needs a training prediction and its loss first', {
        hint: 'call predict and getLoss before backward, and only in the training phase',
      });
    }
    try {
      const { withoutGradient } = backward(tape, objective, variables, onGradient);
      if (withoutGradient.length === variables.length) {
        throw new RecipeError('the loss does not depend on any weight of the model', {
          hint: 'compute it from the predictions with differentiable operations; data() and argMax() end the tape',
        });
      }
      for (const index of withoutGradient) onGradient(index);
    } finally {
      this.end();
    }
  }

  /** Frees whatever the step still holds. */
  end(): void {
    const step = this.#open;
    if (!step) return;
    this.#open = undefined;
    if (step.tape) discard(step.tape);
    step.objective?.dispose();
    step.predictions.dispose();
    step.data.dispose();
  }

  #require(before: string): OpenStep {
    if (!this.#open) throw new LearnerError(`no step is open: call ${before} first`);
    return this.#open;
  }

  #weigh(mean: Scalar, { count, size }: Shard): Scalar {
    const { tf } = this.#engine;
    const terms = [mean, ...this.#loaded.model.calculateLosses()];
    return tf.mul(tf.addN(terms), count / size) as Scalar;
  }

  /** Of a mixed batch: that for the targets and that for the partners' targets, by their shares. */
  #meanLoss({ predictions, data: { inputs, targets, mixed, scale } }: OpenStep): Scalar {
    const { tf } = this.#engine;
    const lossFor = (wanted: Tensor1D) =>
      this.#checkScalar(this.#loaded.loss.compute(tf, predictions, wanted, inputs, scale));
    if (!mixed) return lossFor(targets);
    const { share } = mixed;
    return tf.add(tf.mul(lossFor(targets), share), tf.mul(lossFor(mixed.targets), 1 - share));
  }

  #checkScalar(value: unknown): Scalar {
    const { tf } = this.#engine;
    if (value instanceof tf.Tensor && value.rank === 0) return value as Scalar;
    const got = value instanceof tf.Tensor ? `a tensor of shape [${value.shape}]` : typeof value;
    throw new RecipeError(`the loss function returned ${got}, not a scalar`, {
      hint: 'return the mean over the samples: tf.mean(perSampleLoss)',
    });
  }

  async #metrics({ predictions, data, shard }: OpenStep): Promise<Record<string, Tally>> {
    const { tf } = this.#engine;
    const tallies: Record<string, Tally> = {};
    for (const [name, metric] of Object.entries(this.#loaded.recipe.metrics ?? {})) {
      const value = tf.tidy(() => metric(tf, predictions, data.targets, data.inputs, data.scale));
      if (!(value instanceof tf.Tensor)) {
        throw new RecipeError(`the metric '${name}' returned ${typeof value}, not a scalar tensor`, {
          hint: 'return the sum over the samples: tf.sum(perSampleValue)',
        });
      }
      const [sum, ...rest] = await value.data();
      value.dispose();
      if (rest.length > 0) {
        throw new RecipeError(`the metric '${name}' returned shape [${value.shape}], not a scalar`, {
          hint: 'return the sum over the samples: tf.sum(perSampleValue)',
        });
      }
      tallies[name] = { sum, count: shard.count };
    }
    return tallies;
  }
}
