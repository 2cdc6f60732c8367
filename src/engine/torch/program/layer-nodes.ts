/** Which layers a native program can take over, and the nodes that describe them. */
import { tf } from '../../tf.js';
import type { Graph, LayerVariable, NodeKind } from './graph.js';
import type { Layer } from './layer-graph.js';

/** Fields of tfjs-layers' classes that say what a layer computes; each has some of them. */
interface LayerFields extends Layer {
  readonly kernel?: LayerVariable;
  readonly bias?: LayerVariable | null;
  readonly gamma?: LayerVariable;
  readonly beta?: LayerVariable;
  readonly movingMean?: LayerVariable;
  readonly movingVariance?: LayerVariable;
  readonly activation?: { getClassName(): string } | null;
  readonly strides?: readonly number[];
  readonly padding?: string;
  readonly dataFormat?: string;
  readonly dilationRate?: readonly number[];
  readonly poolSize?: readonly number[];
  readonly axis?: number;
  readonly epsilon?: number;
  readonly momentum?: number;
  readonly alpha?: number;
  readonly maxValue?: number | null;
  readonly scale?: number;
  readonly offset?: number;
  readonly units?: number;
}

/** Adds a layer's nodes to the graph; returns the last one's index. */
type Describe = (graph: Graph, inputs: readonly number[]) => number;

type Shape = readonly (number | null)[];

/** Of a layer of that class applied to inputs of these shapes (batch first); undefined where it must run itself. */
type Plan = (layer: LayerFields, shapes: readonly Shape[]) => Describe | undefined;

const slopes: Readonly<Record<string, number>> = { linear: 1, relu: 0 };

/** Slope of a layer's own activation; undefined for those that a program has not got. */
const slopeOf = ({ activation }: LayerFields): number | undefined =>
  slopes[activation?.getClassName() ?? 'linear'];

const isChannelsLast = ({ dataFormat = 'channelsLast' }: LayerFields): boolean =>
  dataFormat === 'channelsLast';

const activated = (graph: Graph, node: number, slope: number, offset = 0): number =>
  slope === 1 && offset === 0 ? node : graph.add('activation', [node], [slope, offset]);

const activationOf =
  (slope: number, offset = 0): Describe =>
  (graph, [input]) =>
    activated(graph, input, slope, offset);

/** Kernel, strides and padding as the addon takes them: kH, kW, sH, sW, top, bottom, left, right. */
function windowOf(
  [, height, width]: Shape,
  [kernelHeight, kernelWidth]: readonly number[],
  [strideHeight, strideWidth]: readonly number[],
  padding: string,
  dilation: readonly number[] = [1, 1],
): number[] {
  const { padInfo } = tf.backend_util.computeConv2DInfo(
    [1, height!, width!, 1],
    [kernelHeight, kernelWidth, 1, 1],
    [strideHeight, strideWidth],
    [dilation[0], dilation[1]],
    padding as 'same' | 'valid',
  );
  const { top, bottom, left, right } = padInfo;
  return [kernelHeight, kernelWidth, strideHeight, strideWidth, top, bottom, left, right];
}

const pool =
  (kind: NodeKind): Plan =>
  (layer, [shape]) => {
    if (!isChannelsLast(layer)) return undefined;
    const window = windowOf(shape, layer.poolSize!, layer.strides!, layer.padding!);
    return (graph, inputs) => graph.add(kind, inputs, window);
  };

const plans: Readonly<Record<string, Plan>> = {
  Conv2D(layer, [shape]) {
    const slope = slopeOf(layer);
    if (!isChannelsLast(layer) || slope === undefined) return undefined;
    const [kernelHeight, kernelWidth, , filters] = layer.kernel!.shape as number[];
    const dilation = layer.dilationRate!;
    const window = windowOf(shape, [kernelHeight, kernelWidth], layer.strides!, layer.padding!, dilation);
    const attributes = [...window, ...dilation, 1, filters];
    return (graph, inputs) =>
      activated(graph, graph.add('conv2d', inputs, attributes, [layer.kernel, layer.bias]), slope);
  },
  Dense(layer, [shape]) {
    const slope = slopeOf(layer);
    if (shape.length !== 2 || slope === undefined) return undefined;
    return (graph, inputs) =>
      activated(graph, graph.add('dense', inputs, [layer.units!], [layer.kernel, layer.bias]), slope);
  },
  BatchNormalization(layer, [shape]) {
    const isLastAxis = layer.axis === -1 || layer.axis === shape.length - 1;
    if (!isLastAxis || (shape.length !== 2 && shape.length !== 4)) return undefined;
    const { gamma, beta, movingMean, movingVariance, epsilon, momentum } = layer;
    const variables = [gamma, beta, movingMean, movingVariance];
    return (graph, inputs) => graph.add('batchNorm', inputs, [epsilon!, momentum!], variables);
  },
  ReLU: ({ maxValue }) => (maxValue == null ? activationOf(0) : undefined),
  LeakyReLU: ({ alpha }) => activationOf(alpha!),
  Activation(layer) {
    const slope = slopeOf(layer);
    return slope === undefined ? undefined : activationOf(slope);
  },
  Rescaling: ({ scale, offset }) => (scale === 1 ? activationOf(1, offset) : undefined),
  Add: (_layer, [first, ...others]) =>
    others.every(shape => shape.join() === first.join())
      ? (graph, inputs) => graph.add('add', inputs, [])
      : undefined,
  AveragePooling2D: pool('averagePool'),
  MaxPooling2D: pool('maxPool'),
  GlobalAveragePooling2D: layer =>
    isChannelsLast(layer) ? (graph, inputs) => graph.add('globalAveragePool', inputs, []) : undefined,
  Flatten: layer => (isChannelsLast(layer) ? (graph, inputs) => graph.add('flatten', inputs, []) : undefined),
};

/** A layer whose `call` was replaced on the instance is hooked: it has to run where the hook sees it. */
const isHooked = (layer: Layer): boolean => Object.hasOwn(layer, 'call');

/** How a program computes `layer`, or undefined where the layer must run itself. */
export function describeLayer(layer: Layer, shapes: readonly Shape[]): Describe | undefined {
  const known = shapes.every(shape => shape.slice(1).every(size => size !== null));
  const plan = Object.hasOwn(plans, layer.getClassName()) ? plans[layer.getClassName()] : undefined;
  if (!plan || !known || isHooked(layer)) return undefined;
  return plan(layer as LayerFields, shapes);
}
