/** The plain description of layers that native/program/graph.h takes. */
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** In the order of the addon's NodeKind. */
const nodeKinds = [
  'input',
  'conv2d',
  'batchNorm',
  'activation',
  'add',
  'averagePool',
  'maxPool',
  'globalAveragePool',
  'dense',
  'flatten',
] as const;
export type NodeKind = (typeof nodeKinds)[number];

export type LayerVariable = LayersModel['weights'][number];

interface GraphNode {
  readonly kind: NodeKind;
  /** Indices of earlier nodes. */
  readonly inputs: readonly number[];
  readonly attributes: readonly number[];
  /** Slots of `Graph.weights`, −1 for an absent one. */
  readonly weights: readonly number[];
}

export class Graph {
  readonly inputShape: readonly number[];
  readonly weights: LayerVariable[] = [];
  readonly #nodes: GraphNode[] = [];

  /** @param inputShape of one sample: [height, width, channels] or [features] */
  constructor(inputShape: readonly number[]) {
    this.inputShape = inputShape;
    this.add('input', [], []);
  }

  /** @returns the index of the new node */
  add(
    kind: NodeKind,
    inputs: readonly number[],
    attributes: readonly number[],
    variables: readonly (LayerVariable | null | undefined)[] = [],
  ): number {
    const weights = variables.map(variable => (variable ? this.weights.push(variable) - 1 : -1));
    this.#nodes.push({ kind, inputs, attributes, weights });
    return this.#nodes.length - 1;
  }

  /** The lists that the addon's programCreate reads, one after the other (native/program/bindings.cc). */
  encode(trainable: ReadonlySet<LayerVariable>): number[] {
    const [height, width, channels] =
      this.inputShape.length === 3 ? this.inputShape : [1, 1, this.inputShape[0]];
    const list = (values: readonly number[]) => [values.length, ...values];
    return [
      height,
      width,
      channels,
      this.#nodes.length,
      ...this.#nodes.flatMap(({ kind, inputs, attributes, weights }) => [
        nodeKinds.indexOf(kind),
        ...list(inputs),
        ...list(attributes),
        ...list(weights),
      ]),
      this.#nodes.length - 1,
      ...list(this.weights.map(variable => Number(trainable.has(variable)))),
    ];
  }
}
