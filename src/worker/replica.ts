/**
 * One replica: an engine on its device, the model, its weights, and the answer to every command of
 * protocol/messages.ts. Commands come one at a time.
 */
import { ControlBlock } from '../allreduce/control-block.js';
import { RingMember } from '../allreduce/ring.js';
import type { Engine } from '../engine/engine.js';
import { ProtocolError } from '../errors.js';
import { createOptimizer, type Optimizer } from '../nn/optimizers.js';
import type {
  Command,
  CommandOf,
  ReadyReport,
  ReplicaSettings,
  Results,
  RingPlace,
  Share,
  StateDescription,
} from '../protocol/messages.js';
import type { OptimizerSpec } from '../protocol/optimizer.js';
import type { Purpose } from '../random.js';
import { describeLayers, serialiseModel } from './describe-model.js';
import type { LoadedRecipe } from './load-recipe.js';
import type { Place } from './place.js';
import { ReplicaSteps } from './replica-steps.js';
import { describeOptimizer, describeState, readState, type Trained, writeState } from './training-state.js';
import { Weights } from './weights.js';

export interface ReplicaParts {
  readonly settings: ReplicaSettings;
  readonly engine: Engine;
  readonly loaded: LoadedRecipe;
  readonly place: Place;
  /** From seeded-math-random.ts. */
  readonly reseed: (purpose: Purpose, epoch: number, index: number) => () => void;
}

type Answers = {
  readonly [Op in Command['op']]: (command: CommandOf<Op>) => Results[Op] | Promise<Results[Op]>;
};

/** Commands that leave the batch that was predicted last as it is; all others drop it. */
const keepingStep: ReadonlySet<Command['op']> = new Set<Command['op']>([
  'loss',
  'backward',
  'inputs',
  'describeState',
  'writeState',
  'rollback',
]);

export class Replica {
  readonly #parts: ReplicaParts;
  readonly #weights: Weights;
  readonly #steps: ReplicaSteps;
  #unpinRing?: () => void;
  #ringBuffers: readonly SharedArrayBuffer[] = [];
  /** Of the next command that writes or reads a state. */
  #stateMemory?: SharedArrayBuffer;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#weights = new Weights(parts.engine, parts.loaded.model);
    this.#steps = new ReplicaSteps(parts, this.#weights);
  }

  ready(): ReadyReport {
    const { engine, loaded, settings } = this.#parts;
    return {
      device: engine.device,
      modelName: loaded.recipe.name ?? loaded.model.name,
      parameters: this.#weights.parameters,
      buffers: this.#weights.buffers.infos,
      outputShape: loaded.outputShape,
      layers: describeLayers(loaded.model),
      metrics: Object.keys(loaded.recipe.metrics ?? {}),
      hooks: Object.keys(loaded.recipe.hooks ?? {}),
      optimizers: Object.keys(loaded.recipe.optimizers ?? {}),
      classifies: loaded.outputShape.length === 1 && loaded.outputShape[0] >= settings.classes.length,
    };
  }

  accept(share: Share): void {
    switch (share.share) {
      case 'slots':
        this.#steps.reader.attach(share);
        break;
      case 'no slots':
        this.#steps.reader.detach(share.ring);
        break;
      case 'state':
        this.#stateMemory = share.buffer;
        break;
      case 'ring':
        this.#joinRing(share);
        break;
      default:
        this.#steps.attach(share);
    }
  }

  #joinRing({ rank, control, buffers }: RingPlace): void {
    const { engine, place, settings } = this.#parts;
    place.rank = rank;
    place.control = new ControlBlock(buffers.length, control);
    this.#ringBuffers = buffers;
    this.#unpinRing?.();
    this.#unpinRing = engine.pin?.(new Uint8Array(buffers[rank]));
    const options = { timeoutMs: settings.stallTimeoutMs, math: engine.flatMath };
    this.#steps.ring = new RingMember(place.control, buffers, rank, options);
  }

  /** Runs one command. Whatever it throws leaves no open step behind. */
  async run(command: Command): Promise<Results[Command['op']]> {
    try {
      if (!keepingStep.has(command.op)) this.#weights.settle();
      const answer = this.#answers[command.op] as (command: Command) => Results[Command['op']];
      const result = await answer(command);
      // Not after an error: the coordinator then reads here in which phase it happened.
      this.#parts.place.enter('idle');
      return result;
    } catch (error) {
      this.#steps.tensors.end();
      throw error;
    }
  }

  close(): void {
    this.#parts.place.enter('close');
    this.#steps.tensors.dispose();
    this.#steps.reader.dispose();
    this.#unpinRing?.();
    this.#weights.dispose();
    this.#parts.engine.close();
  }

  readonly #answers: Answers = {
    publish: () => {
      this.#weights.publish(this.#ownRingMemory());
    },
    adopt: ({ from }) => {
      this.#weights.adopt(new Float32Array(this.#ringBuffers[from]));
    },
    optimizer: ({ spec }) => {
      this.#setOptimizer(spec);
    },
    predict: command => {
      this.#steps.predict(command, command.training);
    },
    loss: () => this.#steps.loss(),
    backward: ({ weight }) => this.#steps.backward(weight),
    clip: ({ clip }) => this.#weights.gradients.clip(clip),
    step: command => this.#steps.step(command),
    zeroGrad: ({ factor }) => {
      this.#weights.gradients.scale(factor);
    },
    train: command => this.#steps.train(command),
    valid: command => this.#steps.valid(command),
    inputs: command => {
      this.#steps.inputs(command);
    },
    hooks: ({ hooks }) => {
      this.#steps.tensors.setHooks(hooks);
    },
    describeState: command => this.#describeState(command),
    writeState: ({ parts }) => {
      this.#parts.place.enter('checkpoint');
      writeState(this.#takeStateMemory(), this.#trained, parts);
    },
    readState: ({ state }) => {
      this.#readState(state);
    },
    average: ({ decay }) => {
      this.#weights.moveAverage(decay);
    },
    swapAverage: () => {
      this.#weights.swapAverage();
    },
    dropAverage: () => {
      this.#weights.average = undefined;
    },
    rollback: () => {
      this.#steps.tensors.end();
      this.#weights.rollback();
    },
    checksum: () => {
      this.#parts.place.enter('checksum');
      return this.#weights.checksum();
    },
    model: () => serialiseModel(this.#parts.engine.tf, this.#parts.loaded.model),
    memory: () => this.#parts.engine.memory(),
    close: () => undefined,
  };

  get #trained(): Trained {
    return { weights: this.#weights, optimizer: this.#steps.optimizer };
  }

  #makeOptimizer(spec: OptimizerSpec): Optimizer {
    const { engine, loaded } = this.#parts;
    return createOptimizer(spec, this.#weights.parameters, engine.flatMath, loaded.recipe.optimizers);
  }

  #setOptimizer(spec: OptimizerSpec): void {
    const optimizer = this.#makeOptimizer(spec);
    this.#steps.optimizer?.dispose();
    this.#steps.optimizer = optimizer;
  }

  #describeState({ parts, spec }: CommandOf<'describeState'>): StateDescription {
    if (!spec) return describeState(this.#trained, parts);
    const optimizer = this.#makeOptimizer(spec);
    const description = { optimizer: describeOptimizer(optimizer) };
    optimizer.dispose();
    return description;
  }

  #readState(state: StateDescription): void {
    if (state.optimizer) this.#setOptimizer(state.optimizer.spec);
    readState(this.#takeStateMemory(), state, this.#trained);
  }

  #takeStateMemory(): SharedArrayBuffer {
    const memory = this.#stateMemory;
    if (!memory) throw new ProtocolError('a state was asked for, but no memory shared for it');
    this.#stateMemory = undefined;
    return memory;
  }

  #ownRingMemory(): Float32Array {
    if (!this.#steps.ring) throw new ProtocolError('the ring was never shared');
    return this.#steps.ring.local;
  }
}
