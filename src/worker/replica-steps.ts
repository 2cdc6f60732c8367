/** The steps of the training loop on one replica, one shard at a time. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { RingMember } from '../allreduce/ring.js';
import { ProtocolError } from '../errors.js';
import type { Optimizer } from '../nn/optimizers.js';
import type { CommandOf, LossReport, Results, Shard, Share, StepReport } from '../protocol/messages.js';
import type { Phase } from '../protocol/phases.js';
import { Purpose } from '../random.js';
import type { ReplicaParts } from './replica.js';
import { ShardReader } from './shard-reader.js';
import { TrainingStep } from './training-step.js';
import type { Weights } from './weights.js';

const nothing: LossReport = { loss: { sum: 0, count: 0 }, metrics: {} };

/** Reports of the forward and of the backward pass. */
const joined = (forward: LossReport['hooks'], backward: LossReport['hooks']): LossReport['hooks'] =>
  forward && backward ? [...forward, ...backward] : (forward ?? backward);

/** Memory that all replicas write their rows of a batch to. */
type RowShare = Extract<Share, { share: 'predictions' | 'inputs' }>;

export class ReplicaSteps {
  readonly reader: ShardReader;
  readonly tensors: TrainingStep;
  ring?: RingMember;
  optimizer?: Optimizer;
  readonly #parts: ReplicaParts;
  readonly #weights: Weights;
  readonly #rows = new Map<RowShare['share'], Float32Array>();
  /** Shard of the step in progress. */
  #shard?: Shard;

  constructor(parts: ReplicaParts, weights: Weights) {
    const { engine, loaded, settings } = parts;
    this.#parts = parts;
    this.#weights = weights;
    const outputSize = loaded.outputShape.reduce((n, d) => n * d, 1);
    const classes = loaded.loss.name === 'crossEntropy' ? outputSize : 2 ** 31;
    this.reader = new ShardReader(engine, loaded.recipe, {
      place: parts.place,
      seed: settings.seed,
      classes,
    });
    this.tensors = new TrainingStep(engine, loaded);
  }

  /** Takes the memory for predictions or inputs. */
  attach({ share, buffer }: RowShare): void {
    this.#rows.set(share, new Float32Array(buffer));
  }

  predict(command: CommandOf<'predict' | 'train' | 'valid'>, training: boolean): void {
    const { shard, step } = command;
    this.#shard = shard;
    this.#enter('data', step);
    if (shard.count === 0) return;
    this.#reseed(shard);
    const data = this.reader.read(shard, training);
    this.#enter('forward');
    if (training) this.#weights.buffers.moves();
    const predictions = this.tensors.predict(shard, data, training);
    if (command.predictions) this.#writeRows('predictions', predictions, shard);
  }

  async loss(): Promise<LossReport> {
    if (this.#requireShard().count === 0) return nothing;
    this.#enter('loss');
    return { ...(await this.tensors.loss()), hooks: await this.tensors.hooks.take() };
  }

  /** Adds `weight` times the gradients of the whole batch to those kept. */
  async backward(weight: number): Promise<Results['backward']> {
    const shard = this.#requireShard();
    const ring = this.#requireRing();
    this.#weights.gradients.settle();
    if (shard.count > 0) {
      this.#enter('backward');
      this.tensors.backward(this.#weights.variables(), (index, gradient) => {
        this.#weights.putGradient(ring, index, gradient);
      });
    }
    this.#enter('all-reduce');
    const since = performance.now();
    this.#weights.exchange(ring, shard.count / shard.size, weight);
    const allReduceMs = performance.now() - since;
    return { allReduceMs, hooks: await this.tensors.hooks.take() };
  }

  step({ groups, clear }: Pick<CommandOf<'step'>, 'groups' | 'clear'>): Results['step'] {
    const since = performance.now();
    const { optimizer } = this;
    if (!optimizer) throw new ProtocolError('step before any optimizer was set');
    this.#enter('update');
    this.#weights.settle();
    this.#weights.update((values, gradients) => optimizer.step(values, gradients, groups));
    if (clear) this.#weights.gradients.scale(0);
    return { updateMs: performance.now() - since };
  }

  async train(command: CommandOf<'train'>): Promise<StepReport> {
    const start = performance.now();
    this.predict(command, true);
    const report = await this.loss();
    const { allReduceMs, hooks } = await this.backward(1);
    const computeMs = performance.now() - start - allReduceMs;
    const { updateMs } = command.groups
      ? this.step({ groups: command.groups, clear: true })
      : { updateMs: 0 };
    return { ...report, hooks: joined(report.hooks, hooks), computeMs, allReduceMs, updateMs };
  }

  async valid(command: CommandOf<'valid'>): Promise<StepReport> {
    const start = performance.now();
    this.predict(command, false);
    const report = await this.loss();
    this.tensors.end();
    return { ...report, computeMs: performance.now() - start, allReduceMs: 0, updateMs: 0 };
  }

  /** Writes the model's inputs of a shard to shared memory. An open step goes on as if nothing had happened. */
  inputs({ shard, training }: CommandOf<'inputs'>): void {
    if (shard.count === 0) return;
    const restore = this.#reseed(shard);
    const data = this.reader.read(shard, training);
    try {
      this.#writeRows('inputs', data.inputs, shard);
    } finally {
      data.dispose();
      restore();
    }
  }

  /** Starts this replica's stream of `Math.random` for the shard: each replica draws its own dropout. */
  #reseed({ epoch, index }: Shard): () => void {
    const { reseed, place } = this.#parts;
    return reseed(Purpose.layer, epoch, index * place.control.replicas + place.rank);
  }

  #writeRows(share: RowShare['share'], rows: Tensor, { offset, count }: Shard): void {
    const memory = this.#rows.get(share);
    if (!memory) throw new ProtocolError(`${share} were asked for, but no memory shared for them`);
    const size = rows.size / count;
    this.#parts.engine.readInto(rows, memory.subarray(offset * size, (offset + count) * size));
  }

  #enter(phase: Phase, step?: number): void {
    this.#parts.place.enter(phase, step);
  }

  #requireRing(): RingMember {
    if (!this.ring) throw new ProtocolError('the ring was never shared');
    return this.ring;
  }

  #requireShard(): Shard {
    if (!this.#shard) throw new ProtocolError('no batch was given');
    return this.#shard;
  }
}
