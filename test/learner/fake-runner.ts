/** A StepRunner without replicas, and loaders without data, for tests of the loop alone. */
import type { BatchLoader } from '../../src/learner/loaders.js';
import type { Batch } from '../../src/protocol/batch.js';
import type { HookSpec } from '../../src/protocol/hooks.js';
import type { LayerInfo } from '../../src/protocol/model-info.js';
import type {
  GroupSettings,
  OptimizerSpec,
  ParameterInfo,
  TrainingState,
} from '../../src/protocol/optimizer.js';
import type {
  ClipOptions,
  Predictions,
  StateParts,
  StepResult,
  StepRunner,
  Tally,
} from '../../src/protocol/step-runner.js';

export const parameters: readonly ParameterInfo[] = [
  { name: 'conv2d_1/kernel', shape: [3, 3, 1, 4], offset: 0, size: 36 },
  { name: 'conv2d_1/bias', shape: [4], offset: 36, size: 4 },
  { name: 'dense_1/kernel', shape: [4, 2], offset: 40, size: 8 },
  { name: 'dense_1/bias', shape: [2], offset: 48, size: 2 },
];

/** A layer of its own for every kernel and its bias. */
export const layers: readonly LayerInfo[] = ['conv2d_1', 'dense_1'].map(name => {
  const own = parameters.filter(parameter => parameter.name.startsWith(`${name}/`));
  return {
    name,
    type: name === 'dense_1' ? 'Dense' : 'Conv2D',
    inputShape: [4],
    outputShape: [own[1].size],
    parameters: own.reduce((n, { size }) => n + size, 0),
    weights: own.map(weight => ({ name: weight.name, shape: weight.shape, trainable: true })),
  };
});

const parameterCount = parameters.reduce((n, { size }) => n + size, 0);

/** What the fake says a batch comes to. */
export type Answer = (
  batch: Batch,
  call: number,
) => { meanLoss?: number; metrics?: Record<string, Tally>; logits?: number[][] };

export class FakeRunner implements StepRunner {
  readonly devices = ['cpu:0', 'cpu:1'];
  readonly parameters = parameters;
  readonly buffers: readonly ParameterInfo[] = [];
  readonly layers = layers;
  /** Every call, in order, such as `trainBatch`. */
  readonly calls: string[] = [];
  readonly specs: OptimizerSpec[] = [];
  readonly stepped: (readonly GroupSettings[])[] = [];
  readonly batches: Batch[] = [];
  readonly answer: Answer;
  hooks: readonly HookSpec[] = [];
  /** Set by `setState`, read by `getState`. */
  state: TrainingState = { parameters: new Float32Array(parameterCount), buffers: new Float32Array(0) };
  /** What `clipGradients` says the norm was. */
  gradientNorm = 1;
  opened = false;
  #last?: StepResult;

  constructor(answer: Answer = () => ({})) {
    this.answer = answer;
  }

  async open(): Promise<void> {
    this.opened = true;
  }

  async setOptimizer(spec: OptimizerSpec): Promise<void> {
    this.specs.push(spec);
  }

  async predict(batch: Batch, options: { training: boolean; predictions?: boolean }) {
    this.calls.push('predict');
    return this.#run(batch, options.predictions).predictions;
  }

  async getLoss() {
    this.calls.push('getLoss');
    const { loss, metrics } = this.#last!;
    return { loss, metrics };
  }

  async backward({ weight = 1 }: { weight?: number } = {}) {
    this.calls.push(weight === 1 ? 'backward' : `backward(${weight})`);
    return {};
  }

  async clipGradients(options: ClipOptions): Promise<number> {
    this.calls.push(`clipGradients(${JSON.stringify(options)})`);
    return this.gradientNorm;
  }

  async step(groups: readonly GroupSettings[]): Promise<void> {
    this.calls.push('step');
    this.stepped.push(groups);
  }

  async zeroGrad(factor = 0): Promise<void> {
    this.calls.push(`zeroGrad(${factor})`);
  }

  async trainBatch(batch: Batch, groups: readonly GroupSettings[], options: { predictions?: boolean } = {}) {
    this.calls.push('trainBatch');
    this.stepped.push(groups);
    return this.#run(batch, options.predictions);
  }

  async validBatch(batch: Batch, options: { predictions?: boolean } = {}) {
    this.calls.push('validBatch');
    return this.#run(batch, options.predictions);
  }

  /** The pixels as they are. */
  async inputs(batch: Batch): Promise<Predictions> {
    this.calls.push('inputs');
    return { data: Float32Array.from(batch.pixels), shape: [batch.size, ...batch.ring.layout.imageShape] };
  }

  async setHooks(hooks: readonly HookSpec[]): Promise<void> {
    this.calls.push(`setHooks(${hooks.length})`);
    this.hooks = hooks;
  }

  async getState(parts: StateParts = {}): Promise<TrainingState> {
    this.calls.push('getState');
    const { parameters, buffers, optimizer, gradients, average } = this.state;
    const wanted = Object.entries({ optimizer, gradients, average }).filter(
      ([part, value]) => parts[part as keyof StateParts] && value,
    );
    return structuredClone({ parameters, buffers, ...Object.fromEntries(wanted) });
  }

  async setState(state: TrainingState): Promise<void> {
    this.calls.push('setState');
    this.state = structuredClone(state);
  }

  async average(decay: number): Promise<void> {
    this.calls.push(`average(${decay})`);
  }

  async swapAverage(): Promise<void> {
    this.calls.push('swapAverage');
  }

  async dropAverage(): Promise<void> {
    this.calls.push('dropAverage');
  }

  #run(batch: Batch, wantsPredictions = false): StepResult {
    const { meanLoss = 1, metrics = {}, logits } = this.answer(batch, this.batches.length);
    this.batches.push(batch);
    this.#last = {
      loss: { sum: meanLoss * batch.size, count: batch.size },
      metrics,
      predictions: wantsPredictions
        ? predictionsOf(logits ?? [...batch.labels].map(() => [1, 0]))
        : undefined,
      times: { compute: 6, allReduce: 2, update: 1, replicas: [{ compute: 6, allReduce: 2, update: 1 }] },
    };
    return this.#last;
  }
}

export function predictionsOf(rows: readonly (readonly number[])[]): Predictions {
  return { data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0].length] };
}

const layout = { capacity: 64, imageShape: [1, 1, 1] as const };

export function fakeBatch(index: number, labels: readonly number[]): Batch {
  return {
    ring: { layout, buffers: [] },
    slot: index,
    size: labels.length,
    epoch: 0,
    index,
    pixels: new Uint8Array(labels.length),
    labels: Int32Array.from(labels),
    indices: Uint32Array.from(labels.keys()),
    transforms: [],
  };
}

/** A loader of the given batches (labels of each), that counts how often it was opened and closed, and the batches it served. */
export class FakeLoader implements BatchLoader {
  readonly batches: readonly (readonly number[])[];
  opened = 0;
  closed = 0;
  served = 0;
  waitMs?: number;
  /** Called before each batch is handed out. */
  onBatch: (index: number) => void = () => {};

  constructor(batches: readonly (readonly number[])[]) {
    this.batches = batches;
  }

  get length(): number {
    return this.batches.length;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
    this.opened++;
    try {
      for (const [index, labels] of this.batches.entries()) {
        this.onBatch(index);
        this.served++;
        yield fakeBatch(index, labels);
      }
    } finally {
      this.closed++;
    }
  }
}

/** Two train batches and one valid batch: the case that the lessons' trace is of. */
export const fakeLoaders = () => ({
  train: new FakeLoader([
    [0, 1],
    [1, 0],
  ]),
  valid: new FakeLoader([[0, 1, 1]]),
});
