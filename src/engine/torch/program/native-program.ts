/**
 * A native program as one operation of the tape. Its activations live in the addon from the forward pass to the
 * backward pass; the tape holds a ticket for them, and when it lets go of the ticket, they are free for the next
 * step.
 */
import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { setGradient, setKernel } from '../../kernel-registration.js';
import { tf } from '../../tf.js';
import { TORCH, type TorchBackend } from '../backend.js';
import type { Graph, LayerVariable } from './graph.js';

const KERNEL = 'TorchProgram';

interface ProgramAttributes {
  readonly program: NativeProgram;
  readonly training: boolean;
}

export class NativeProgram {
  readonly #backend: TorchBackend;
  /** Of one sample's output. */
  readonly #outputShape: readonly number[];
  readonly #weights: readonly LayerVariable[];
  /** Inputs of the operation whose gradient the addon gives, in its order. */
  readonly #wanted: readonly string[];
  /** Number by which the addon knows it. */
  readonly #id: number;

  /**
   * @param outputShape of one sample
   * @param trainable weights whose gradient is wanted
   * @param wantsInput whether that of the input is: not for the first layers of a model
   */
  constructor(
    backend: TorchBackend,
    graph: Graph,
    outputShape: readonly number[],
    trainable: ReadonlySet<LayerVariable>,
    wantsInput: boolean,
  ) {
    this.#backend = backend;
    this.#outputShape = outputShape;
    this.#weights = graph.weights;
    const weights = graph.weights.flatMap((weight, i) => (trainable.has(weight) ? [`w${i}`] : []));
    this.#wanted = wantsInput ? [...weights, 'x'] : weights;
    backend.runOn('programCreate', [], [], ...graph.encode(trainable), wantsInput);
    this.#id = backend.answer();
    registerProgramKernel();
  }

  /** float32 [samples, …] → float32 [samples, …] */
  apply(x: Tensor, training: boolean): Tensor {
    const inputs = Object.fromEntries([
      ['x', x],
      ...this.#weights.map((weight, i) => [`w${i}`, weight.read()]),
    ]);
    const attributes: ProgramAttributes = { program: this, training };
    const [y, ticket] = tf
      .engine()
      .runKernel(KERNEL, inputs, attributes as unknown as NamedAttrMap) as Tensor[];
    ticket.dispose();
    // The addon knows an image of one position as a row of features.
    const flat = y.rank !== this.#outputShape.length + 1;
    return flat ? tf.reshape(y, [x.shape[0], ...this.#outputShape]) : y;
  }

  /** @returns the output, and the ticket for the activations */
  forward(inputs: Record<string, TensorInfo>, training: boolean): [TensorInfo, TensorInfo] {
    const weights = this.#weights.map((_, i) => this.#backend.handleOf(inputs[`w${i}`]));
    const y = this.#backend.run('programForward', [inputs.x], this.#id, training, weights);
    const run = this.#backend.answer();
    return [y, this.#backend.ticket(() => this.#release(run), run)];
  }

  /** The gradients by the names of the inputs, computed together when the first one is asked for. */
  gradients(dy: Tensor, ticket: Tensor): Record<string, () => Tensor> {
    const run = this.#backend.ticketNumber(ticket.dataId);
    let results: readonly Tensor[] | undefined;
    const result = (index: number): Tensor => {
      results ??= this.#backward(dy, run);
      return results[index];
    };
    return Object.fromEntries(this.#wanted.map((name, index) => [name, () => result(index)]));
  }

  dispose(): void {
    this.#backend.runOn('programDestroy', [], [], this.#id);
  }

  #backward(dy: Tensor, run: number): Tensor[] {
    const infos = this.#backend.runAll('programBackward', this.#wanted.length, [dy], this.#id, run);
    return infos.map(info => tf.engine().makeTensorFromTensorInfo(info));
  }

  #release(run: number): void {
    this.#backend.runOn('programRelease', [], [], this.#id, run);
  }
}

function registerProgramKernel(): void {
  if (tf.getKernel(KERNEL, TORCH)) return;
  setKernel<TorchBackend>(KERNEL, TORCH, (inputs, attributes) => {
    const { program, training } = attributes as unknown as ProgramAttributes;
    return program.forward(inputs, training);
  });
  setGradient({
    kernelName: KERNEL,
    outputsToSave: [false, true],
    gradFunc: (dys, [ticket], attributes) => {
      const { program } = attributes as unknown as ProgramAttributes;
      return program.gradients((dys as Tensor[])[0], ticket);
    },
  });
}
