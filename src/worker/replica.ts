/**
 * One replica: an engine on its device, the model, its weights, and the answer to every command of
 * protocol/messages.ts. Commands come one at a time.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ControlBlock } from '../allreduce/control-block.js';
import { RingMember } from '../allreduce/ring.js';
import type { Engine } from '../engine/engine.js';
import { ProtocolError } from '../errors.js';
import { createOptimizer, type Optimizer } from '../nn/optimizers.js';
import type {
  Command,
  CommandOf,
  LossReport,
  ReadyReport,
  ReplicaSettings,
  Results,
  Shard,
  Share,
  StepReport,
} from '../protocol/messages.js';
import type { GroupSettings, OptimizerSpec } from '../protocol/optimizer.js';
import type { Phase } from '../protocol/phases.js';
import { Purpose } from '../random.js';
import { describeLayers, serialiseModel } from './describe-model.js';
import type { LoadedRecipe } from './load-recipe.js';
import { ShardReader } from './shard-reader.js';
import { TrainingStep } from './training-step.js';
import { Weights } from './weights.js';

const nothing: LossReport = { loss: { sum: 0, count: 0 }, metrics: {} };

export interface ReplicaParts {
  readonly settings: ReplicaSettings;
  readonly engine: Engine;
  readonly loaded: LoadedRecipe;
  readonly control: ControlBlock;
  /** From seeded-math-random.ts. */
  readonly reseed: (purpose: Purpose, epoch: number, index: number) => void;
}

export class Replica {
  readonly #parts: ReplicaParts;
  readonly #weights: Weights;
  readonly #reader: ShardReader;
  readonly #tensors: TrainingStep;
  readonly #outputSize: number;
  #ring?: RingMember;
  #unpinRing?: () => void;
  #ringBuffers: readonly SharedArrayBuffer[] = [];
  #predictions?: Float32Array;
  #optimizer?: Optimizer;
  /** Shard of the step in progress. */
  #shard?: Shard;

  constructor(parts: ReplicaParts) {
    const { engine, loaded, settings } = parts;
    this.#parts = parts;
    this.#weights = new Weights(engine, loaded.model);
    this.#outputSize = loaded.outputShape.reduce((n, d) => n * d, 1);
    const classes = (loaded.recipe.loss ?? 'crossEntropy') === 'crossEntropy' ? this.#outputSize : 2 ** 31;
    this.#reader = new ShardReader(engine, loaded.recipe, { seed: settings.seed, classes });
    this.#tensors = new TrainingStep(engine, loaded);
  }

  ready(): ReadyReport {
    const { engine, loaded, settings } = this.#parts;
    return {
      device: engine.device,
      modelName: loaded.recipe.name ?? loaded.model.name,
      parameters: this.#weights.parameters,
      stateSize: this.#weights.stateSize,
      outputShape: loaded.outputShape,
      layers: describeLayers(loaded.model),
      metrics: Object.keys(loaded.recipe.metrics ?? {}),
      classifies: loaded.outputShape.length === 1 && loaded.outputShape[0] >= settings.classes.length,
    };
  }

  accept(share: Share): void {
    const { settings, control, engine } = this.#parts;
    if (share.share === 'slots') this.#reader.attach(share);
    else if (share.share === 'no slots') this.#reader.detach(share.ring);
    else if (share.share === 'predictions') this.#predictions = new Float32Array(share.buffer);
    else {
      const { rank, stallTimeoutMs: timeoutMs } = settings;
      this.#ringBuffers = share.buffers;
      this.#unpinRing = engine.pin?.(new Uint8Array(share.buffers[rank]));
      this.#ring = new RingMember(control, share.buffers, rank, { timeoutMs, math: engine.flatMath });
    }
  }

  /** Runs one command. Whatever it throws leaves no open step behind. */
  async run(command: Command): Promise<Results[Command['op']]> {
    try {
      // Only these two go on with the batch that was predicted last.
      if (command.op !== 'loss' && command.op !== 'backward') this.#weights.dropStateChange();
      const result = await this.#dispatch(command);
      // Not after an error: the coordinator then reads here in which phase it happened.
      this.#enter('idle');
      return result;
    } catch (error) {
      this.#tensors.end();
      throw error;
    }
  }

  close(): void {
    this.#enter('close');
    this.#tensors.dispose();
    this.#reader.dispose();
    this.#unpinRing?.();
    this.#weights.dispose();
    this.#parts.engine.close();
  }

  async #dispatch(command: Command): Promise<Results[Command['op']]> {
    const { engine, loaded } = this.#parts;
    switch (command.op) {
      case 'publish':
        this.#weights.publish(this.#requireRing().local);
        return undefined;
      case 'adopt':
        this.#weights.adopt(new Float32Array(this.#ringBuffers[command.from]));
        return undefined;
      case 'optimizer':
        this.#setOptimizer(command.spec);
        return undefined;
      case 'predict':
        this.#predict(command, command.training);
        return undefined;
      case 'loss':
        return this.#loss();
      case 'backward':
        return { allReduceMs: this.#backward() };
      case 'step':
        this.#step(command.groups);
        return undefined;
      case 'zeroGrad':
        this.#weights.scaleGradients(command.factor);
        return undefined;
      case 'train':
        return this.#train(command);
      case 'valid':
        return this.#valid(command);
      case 'checksum':
        return this.#weights.checksum();
      case 'model':
        return serialiseModel(engine.tf, loaded.model);
      case 'memory':
        return engine.memory();
      case 'close':
        return undefined;
    }
  }

  #setOptimizer(spec: OptimizerSpec): void {
    this.#optimizer?.dispose();
    const { engine, loaded } = this.#parts;
    const { parameters } = this.#weights;
    this.#optimizer = createOptimizer(spec, parameters, engine.flatMath, loaded.recipe.optimizers);
  }

  #predict(command: CommandOf<'predict' | 'train' | 'valid'>, training: boolean): void {
    const { shard, step } = command;
    this.#shard = shard;
    this.#enter('data', step);
    if (shard.count === 0) return;
    this.#parts.reseed(
      Purpose.layer,
      shard.epoch,
      shard.index * this.#parts.settings.replicas + this.#parts.settings.rank,
    );
    const data = this.#reader.read(shard);
    this.#enter('forward');
    if (training) this.#weights.stateMoves();
    const predictions = this.#tensors.predict(shard, data, training);
    if (command.predictions) this.#writePredictions(predictions, shard);
  }

  #writePredictions(predictions: Tensor, { offset, count }: Shard): void {
    if (!this.#predictions)
      throw new ProtocolError('predictions were asked for, but no memory shared for them');
    const size = this.#outputSize;
    this.#parts.engine.readInto(
      predictions,
      this.#predictions.subarray(offset * size, (offset + count) * size),
    );
  }

  async #loss(): Promise<LossReport> {
    if (this.#requireShard().count === 0) return nothing;
    this.#enter('loss');
    return this.#tensors.loss();
  }

  /** @returns milliseconds spent in the all-reduce */
  #backward(): number {
    const shard = this.#requireShard();
    const ring = this.#requireRing();
    if (shard.count > 0) {
      this.#enter('backward');
      this.#tensors.backward(this.#weights.variables(), (index, gradient) => {
        this.#weights.putGradient(ring, index, gradient);
      });
    }
    this.#enter('all-reduce');
    const since = performance.now();
    this.#weights.exchange(ring, shard.count / shard.size);
    return performance.now() - since;
  }

  #step(groups: readonly GroupSettings[]): void {
    const optimizer = this.#optimizer;
    if (!optimizer) throw new ProtocolError('step before any optimizer was set');
    this.#enter('update');
    this.#weights.update((values, gradients) => optimizer.step(values, gradients, groups));
  }

  async #train(command: CommandOf<'train'>): Promise<StepReport> {
    const start = performance.now();
    this.#predict(command, true);
    const report = await this.#loss();
    const allReduceMs = this.#backward();
    const reduced = performance.now();
    this.#step(command.groups);
    this.#weights.scaleGradients(0);
    const updateMs = performance.now() - reduced;
    return { ...report, computeMs: reduced - start - allReduceMs, allReduceMs, updateMs };
  }

  async #valid(command: CommandOf<'valid'>): Promise<StepReport> {
    const start = performance.now();
    this.#predict(command, false);
    const report = await this.#loss();
    this.#tensors.end();
    return { ...report, computeMs: performance.now() - start, allReduceMs: 0, updateMs: 0 };
  }

  #enter(phase: Phase, step?: number): void {
    this.#parts.control.enter(this.#parts.settings.rank, phase, step);
  }

  #requireRing(): RingMember {
    if (!this.#ring) throw new ProtocolError('the ring was never shared');
    return this.#ring;
  }

  #requireShard(): Shard {
    if (!this.#shard) throw new ProtocolError('no batch was given');
    return this.#shard;
  }
}
