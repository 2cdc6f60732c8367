/**
 * `learn.summary()`: the model as a table, from what the replicas said of it when they started. Nothing is computed,
 * and no weight moves.
 */
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import type { LayerInfo, LayerWeight } from '../protocol/model-info.js';

type Shape = readonly (number | null)[];

export interface SummaryOptions {
  /** One row for each block, by the part of the layers' names before the first `/`, or for each layer. Default `block`. */
  readonly by?: 'block' | 'layer';
}

export interface SummaryRow {
  /** Name of the block or layer. */
  readonly module: string;
  /** Class name of a layer; of a block those of its layers that have parameters. */
  readonly type: string;
  /** Without the batch dimension, as `output`. */
  readonly input: Shape;
  readonly output: Shape;
  /** Kernels, biases, scales and shifts; not the moving statistics of batch norm. */
  readonly parameters: number;
  /**
   * Millions of multiplications as the lessons count them: each kernel once for every position of the block's
   * output, everything else once. Too few where a block shrinks the image after its first convolution.
   */
  readonly mflops: number;
  /** Millions of multiply-adds for one sample: each kernel once for every position of its own layer. */
  readonly mmacs: number;
}

export interface SummaryTotals {
  readonly parameters: number;
  /** Of the parameters, those that training may change. */
  readonly trainable: number;
  /** Moving statistics of batch norm. */
  readonly statistics: number;
  readonly mflops: number;
  readonly mmacs: number;
}

const product = (sizes: Shape): number => sizes.reduce<number>((n, size) => n * (size ?? 1), 1);
const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0);

/** TensorFlow.js numbers the names of a thread's second model. */
const isStatistic = ({ name }: LayerWeight): boolean => /moving_(mean|variance)(_\d+)?$/.test(name);
const parametersOf = ({ weights }: LayerInfo): LayerWeight[] =>
  weights.filter(weight => !isStatistic(weight));

/** Positions that a kernel is applied at, one sample: of its layer's output, or of its input where that is larger. */
function positions({ type, inputShape, outputShape }: LayerInfo): number {
  const overInput = /Transpose$|^(LSTM|GRU|SimpleRNN)$/.test(type);
  return product((overInput ? inputShape : outputShape).slice(0, -1));
}

/** Kernels have two dimensions at least; what has one is a bias, a scale or a shift, and a table is looked up. */
const multiplyAdds = (layer: LayerInfo): number =>
  layer.type === 'Embedding'
    ? 0
    : sum(parametersOf(layer), ({ shape }) => (shape.length > 1 ? product(shape) * positions(layer) : 0));

function rowOf(module: string, layers: readonly LayerInfo[]): SummaryRow {
  const output = layers[layers.length - 1].outputShape;
  const weights = layers.flatMap(parametersOf);
  const area = product(output.slice(0, -1));
  const withParameters = layers.filter(layer => parametersOf(layer).length > 0);
  const types = (layers.length > 1 ? withParameters : layers).map(({ type }) => type);
  return {
    module,
    type: [...new Set(types)].join(', '),
    input: layers[0].inputShape,
    output,
    parameters: sum(weights, ({ shape }) => product(shape)),
    mflops: sum(weights, ({ shape }) => product(shape) * (shape.length > 2 ? area : 1)) / 1e6,
    mmacs: sum(layers, multiplyAdds) / 1e6,
  };
}

/** With enough digits for small models too. */
const millions = (value: number): string => value.toFixed(value === 0 || value >= 1 ? 1 : 3);

export class ModelSummary {
  readonly rows: readonly SummaryRow[];
  readonly totals: SummaryTotals;

  /** @param layers in the order of the model */
  constructor(layers: readonly LayerInfo[], { by = 'block' }: SummaryOptions = {}) {
    const modules = new Map<string, LayerInfo[]>();
    for (const layer of layers.filter(({ type }) => type !== 'InputLayer')) {
      const module = by === 'block' ? layer.name.split('/')[0] : layer.name;
      modules.set(module, [...(modules.get(module) ?? []), layer]);
    }
    this.rows = [...modules].map(([module, members]) => rowOf(module, members));
    const weights = layers.flatMap(layer => layer.weights);
    const count = (kept: (weight: LayerWeight) => boolean) =>
      sum(weights.filter(kept), ({ shape }) => product(shape));
    this.totals = {
      parameters: count(weight => !isStatistic(weight)),
      trainable: count(({ trainable }) => trainable),
      statistics: count(isStatistic),
      mflops: sum(this.rows, row => row.mflops),
      mmacs: sum(this.rows, row => row.mmacs),
    };
  }

  /** A Markdown table, and a line of totals. */
  toString(): string {
    const shape = (sizes: Shape) => sizes.map(size => size ?? '?').join('×');
    const head = ['module', 'type', 'input', 'output', 'parameters', 'MFLOPs', 'MMACs'];
    const cells = this.rows.map(row => [
      row.module,
      row.type,
      shape(row.input),
      shape(row.output),
      row.parameters.toLocaleString('en'),
      millions(row.mflops),
      millions(row.mmacs),
    ]);
    const { parameters, trainable, statistics, mflops, mmacs } = this.totals;
    const counted = [
      `${parameters.toLocaleString('en')} parameters`,
      ...(trainable === parameters ? [] : [`${trainable.toLocaleString('en')} of them trainable`]),
      ...(statistics > 0 ? [`${statistics.toLocaleString('en')} moving statistics`] : []),
      `${millions(mflops)} MFLOPs`,
      `${millions(mmacs)} million multiply-adds a sample`,
    ];
    return `${markdownTable([head, ...cells], 4)}\n\n${counted.join(', ')}\n`;
  }
}

/** @param texts number of columns at the left that are text; the rest are numbers */
function markdownTable([head, ...rows]: readonly (readonly string[])[], texts: number): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map(cells => [...cells[column]].length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i < texts ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i < texts ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [head, rule, ...rows].map(line).join('\n');
}

/** Opens the replicas if need be; trains nothing and runs nothing. */
async function summary(this: Learner, options?: SummaryOptions): Promise<ModelSummary> {
  await this.runner.open();
  return new ModelSummary(this.runner.layers, options);
}

declare module '../learner/learner.js' {
  interface Learner {
    /** The model as a table of shapes, parameters and multiplications, in blocks or layer by layer. */
    summary(options?: SummaryOptions): Promise<ModelSummary>;
  }
}

addMethods({ summary });
