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
  readonly #weights: readonly LayerVariable[];
  readonly #wanted: readonly boolean[];
  /** Number by which the addon knows it. */
  readonly #id: number;

  /** @param trainable weights whose gradient is wanted */
  constructor(backend: TorchBackend, graph: Graph, trainable: ReadonlySet<LayerVariable>) {
    this.#backend = backend;
    this.#weights = graph.weights;
    this.#wanted = graph.weights.map(weight => trainable.has(weight));
    backend.runOn('programCreate', [], [], ...graph.encode(trainable));
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
    return y;
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
    let results: Record<string, Tensor> | undefined;
    const compute = (wantsInput: boolean) => {
      results ??= this.#backward(dy, run, wantsInput);
      return results;
    };
    const thunks = this.#weights.map((_, i) => [`w${i}`, () => compute(false)[`w${i}`]] as const);
    // The tape asks for `x` first, if at all.
    return Object.fromEntries([['x', () => compute(true).x], ...thunks]);
  }

  dispose(): void {
    this.#backend.runOn('programDestroy', [], [], this.#id);
  }

  #backward(dy: Tensor, run: number, wantsInput: boolean): Record<string, Tensor> {
    const names = this.#weights.flatMap((_, i) => (this.#wanted[i] ? [`w${i}`] : []));
    if (wantsInput) names.push('x');
    const infos = this.#backend.runAll('programBackward', names.length, [dy], this.#id, run, wantsInput);
    const tensors = infos.map(info => tf.engine().makeTensorFromTensorInfo(info));
    return Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
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
