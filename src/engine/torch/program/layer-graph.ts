/** A model's layers in the order in which they run, cut into blocks where a single tensor passes. */
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

export type Layer = LayersModel['layers'][number];

/** One use of a layer. */
export interface LayerStep {
  readonly layer: Layer;
  readonly inputs: readonly SymbolicTensor[];
  readonly output: SymbolicTensor;
}

/** Steps between two tensors through which everything passes. */
export interface Block {
  readonly input: SymbolicTensor;
  readonly steps: readonly LayerStep[];
  readonly output: SymbolicTensor;
}

/** What `SymbolicTensor.sourceLayer` keeps of each use of it. */
interface InboundNode {
  readonly inputTensors: SymbolicTensor[];
  readonly outputTensors: SymbolicTensor[];
}

/**
 * Undefined for models that are no plain graph from one tensor to one tensor: several inputs or outputs, layers
 * with several outputs, layers that make or take masks.
 */
export function layerSteps(model: LayersModel): LayerStep[] | undefined {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) return undefined;
  const steps: LayerStep[] = [];
  const seen = new Set<SymbolicTensor>();
  let isPlain = true;
  const visit = (tensor: SymbolicTensor): void => {
    if (seen.has(tensor)) return;
    seen.add(tensor);
    if (tensor === model.inputs[0]) return;
    const layer = tensor.sourceLayer;
    const { inputTensors, outputTensors } = layer.inboundNodes[tensor.nodeIndex!] as unknown as InboundNode;
    isPlain &&= outputTensors.length === 1 && inputTensors.length > 0 && !makesMask(layer);
    for (const input of inputTensors) visit(input);
    steps.push({ layer, inputs: inputTensors, output: tensor });
  };
  visit(model.outputs[0]);
  return isPlain ? steps : undefined;
}

const makesMask = (layer: Layer): boolean =>
  layer.getClassName() === 'Masking' || (layer as { maskZero?: boolean }).maskZero === true;

/** Cuts wherever only one tensor is still to be used. */
export function blocksOf(model: LayersModel, steps: readonly LayerStep[]): Block[] {
  const lastUse = new Map<SymbolicTensor, number>([[model.outputs[0], steps.length]]);
  steps.forEach(({ inputs }, index) => {
    for (const input of inputs) lastUse.set(input, Math.max(index, lastUse.get(input) ?? 0));
  });
  const blocks: Block[] = [];
  const live = new Set<SymbolicTensor>([model.inputs[0]]);
  let [input] = model.inputs;
  let since = 0;
  steps.forEach(({ output }, index) => {
    live.add(output);
    for (const tensor of live) if ((lastUse.get(tensor) ?? -1) <= index) live.delete(tensor);
    if (live.size !== 1 || !live.has(output)) return;
    blocks.push({ input, steps: steps.slice(since, index + 1), output });
    input = output;
    since = index + 1;
  });
  return blocks;
}
