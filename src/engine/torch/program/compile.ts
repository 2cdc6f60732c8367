/**
 * Runs a model with as many of its layers as possible inside native programs:
 *
 *   model   input ─ conv ─ norm ─ relu ─┬─ conv ─ norm ─ add ─ dropout ─ dense ─ output
 *                                       └───────────────┘
 *   blocks  [conv] [norm] [relu] [conv norm add] [dropout] [dense]       where only one tensor passes
 *   pieces  ╰───────── program ────────────────╯  by itself ╰program╯
 *
 * A program is one operation of the tape, forward and backward; layers that no program has run as they are.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { CompiledModel } from '../../engine.js';
import type { TorchBackend } from '../backend.js';
import { Graph, type LayerVariable } from './graph.js';
import { type Block, blocksOf, type LayerStep, layerSteps } from './layer-graph.js';
import { describeLayer } from './layer-nodes.js';
import { NativeProgram } from './native-program.js';

interface Piece {
  apply(x: Tensor, training: boolean): Tensor;
  dispose(): void;
}

/** A model that is no plain graph from one tensor to one tensor, or has nothing for a program, is left as it is. */
export function compileModel(backend: TorchBackend, model: LayersModel): CompiledModel | undefined {
  const steps = layerSteps(model);
  if (!steps) return undefined;
  const trainable = new Set<LayerVariable>(model.trainableWeights);
  const runs = joined(blocksOf(model, steps));
  if (!runs.some(({ fused }) => fused)) return undefined;
  const pieces = runs.map(
    ({ fused, blocks }, index): Piece =>
      fused
        ? new NativeProgram(backend, graphOf(blocks), outputShapeOf(blocks), trainable, index > 0)
        : new PlainLayers(blocks),
  );
  const fusedLayers = runs.flatMap(({ fused, blocks }) =>
    fused ? blocks.flatMap(({ steps }) => steps) : [],
  );
  return {
    layers: { fused: fusedLayers.length, all: steps.length },
    apply: (x, { training }) => pieces.reduce((value, piece) => piece.apply(value, training), x),
    dispose() {
      for (const piece of pieces) piece.dispose();
    },
  };
}

const isFusable = ({ steps }: Block): boolean =>
  steps.every(
    ({ layer, inputs }) =>
      describeLayer(
        layer,
        inputs.map(({ shape }) => shape),
      ) !== undefined,
  );

/** Neighbouring blocks of the same kind, together. */
function joined(blocks: readonly Block[]): { fused: boolean; blocks: Block[] }[] {
  const runs: { fused: boolean; blocks: Block[] }[] = [];
  for (const block of blocks) {
    const fused = isFusable(block);
    const last = runs.at(-1);
    if (last?.fused === fused) last.blocks.push(block);
    else runs.push({ fused, blocks: [block] });
  }
  return runs;
}

/** Of one sample. */
const outputShapeOf = (blocks: readonly Block[]): number[] =>
  blocks.at(-1)!.output.shape.slice(1) as number[];

function graphOf(blocks: readonly Block[]): Graph {
  const graph = new Graph(blocks[0].input.shape.slice(1) as number[]);
  const nodes = new Map<SymbolicTensor, number>([[blocks[0].input, 0]]);
  for (const { layer, inputs, output } of blocks.flatMap(({ steps }) => steps)) {
    const describe = describeLayer(
      layer,
      inputs.map(({ shape }) => shape),
    )!;
    nodes.set(
      output,
      describe(
        graph,
        inputs.map(input => nodes.get(input)!),
      ),
    );
  }
  return graph;
}

/** Layers that run by themselves, one operation of the tape after the other. */
class PlainLayers implements Piece {
  readonly #input: SymbolicTensor;
  readonly #steps: readonly LayerStep[];

  constructor(blocks: readonly Block[]) {
    this.#input = blocks[0].input;
    this.#steps = blocks.flatMap(({ steps }) => steps);
  }

  apply(x: Tensor, training: boolean): Tensor {
    const values = new Map<SymbolicTensor, Tensor>([[this.#input, x]]);
    let value = x;
    for (const { layer, inputs, output } of this.#steps) {
      const given = inputs.map(input => values.get(input)!);
      value = layer.apply(given.length === 1 ? given[0] : given, { training }) as Tensor;
      values.set(output, value);
    }
    return value;
  }

  dispose(): void {
    // The layers belong to the model.
  }
}
