/**
 * Our own walk over the tape that tfjs records: it computes only gradients that lead to a variable, frees each
 * saved activation and each used gradient at once, and hands over every variable's gradient as soon as it is
 * final. tfjs's `variableGrads` keeps all of them until the end.
 *
 * It relies on `engine().state`, which tfjs has public but undocumented: the tfjs version is pinned.
 */
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { EngineError } from '../errors.js';

interface TapeNode {
  readonly kernelName: string;
  readonly inputs: NamedTensorMap;
  readonly outputs: Tensor[];
  readonly gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
  saved?: Tensor[];
}

interface RecordingState {
  activeTape: TapeNode[] | null;
  gradientDepth: number;
}

/** What a forward pass left for its backward pass. To be given to `backward` or `discard`, once. */
export interface Tape {
  readonly tf: Tf;
  nodes: TapeNode[];
}

/**
 * Runs `fn` and records how its result came about. All tensors made on the way are freed, save the result and
 * what the backward pass needs. If `fn` throws, those are freed too.
 *
 * @param into an earlier tape to go on with: a loss computed from recorded predictions
 */
export function recordForward<T extends Tensor>(tf: Tf, fn: () => T, into?: Tape): { value: T; tape: Tape } {
  const state = tf.engine().state as unknown as RecordingState;
  const tape = into ?? { tf, nodes: [] };
  state.activeTape = tape.nodes;
  state.gradientDepth++;
  try {
    return { value: tf.tidy('forward', fn), tape };
  } catch (error) {
    discard(tape);
    throw error;
  } finally {
    state.gradientDepth--;
    state.activeTape = null;
  }
}

/** Runs `fn` in the middle of a recorded forward pass without recording it. */
export function unrecorded<T>(tf: Tf, fn: () => T): T {
  const state = tf.engine().state as unknown as RecordingState;
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return fn();
  } finally {
    state.gradientDepth = depth;
  }
}

/** Frees what the tape keeps. Calling it again, or after `backward`, does nothing. */
export function discard(tape: Tape): void {
  for (const node of tape.nodes) release(node);
  tape.nodes = [];
}

function release(node: TapeNode): void {
  for (const tensor of node.saved ?? []) tensor.dispose();
  node.saved = undefined;
}

export interface BackwardResult {
  /** Indices of the variables that the loss does not depend on: their gradient is zero. */
  readonly withoutGradient: readonly number[];
}

/**
 * Gradient of a scalar loss for each variable. `onGradient` gets it when it is final, summed over all uses of the
 * variable; the tensor is freed when `onGradient` returns. The order of calls and of additions is that of the
 * tape, the same at every run. Consumes the tape, also when it throws.
 */
export function backward(
  tape: Tape,
  loss: Tensor,
  variables: readonly Tensor[],
  onGradient: (index: number, gradient: Tensor) => void,
): BackwardResult {
  const walk = new BackwardWalk(tape, loss, variables, onGradient);
  try {
    return walk.run();
  } finally {
    walk.close();
    discard(tape);
  }
}

/** The nodes between the variables and the loss, and how many of them use each tensor. */
function plan(tape: Tape, loss: Tensor, variables: readonly Tensor[]) {
  const fromVariable = new Set(variables.map(variable => variable.id));
  for (const { inputs, outputs } of tape.nodes) {
    if (Object.values(inputs).some(input => input && fromVariable.has(input.id))) {
      for (const output of outputs) fromVariable.add(output.id);
    }
  }
  const toLoss = new Set([loss.id]);
  const uses = new Map<number, number>();
  const path: { node: TapeNode; inputs: [name: string, input: Tensor][] }[] = [];
  for (const node of [...tape.nodes].reverse()) {
    const inputs = Object.entries(node.inputs).filter(([, input]) => input && fromVariable.has(input.id));
    if (inputs.length === 0 || !node.outputs.some(output => toLoss.has(output.id))) {
      release(node);
      continue;
    }
    for (const [, { id }] of inputs) {
      toLoss.add(id);
      uses.set(id, (uses.get(id) ?? 0) + 1);
    }
    path.push({ node, inputs });
  }
  return { path, uses };
}

class BackwardWalk {
  readonly #tf: Tf;
  readonly #variables: ReadonlyMap<number, number>;
  readonly #onGradient: (index: number, gradient: Tensor) => void;
  readonly #plan: ReturnType<typeof plan>;
  readonly #lossId: number;
  readonly #lossShape: number[];
  /** Gradient so far, by tensor id. */
  readonly #gradients = new Map<number, Tensor>();

  constructor(
    tape: Tape,
    loss: Tensor,
    variables: readonly Tensor[],
    onGradient: (index: number, gradient: Tensor) => void,
  ) {
    this.#tf = tape.tf;
    this.#variables = new Map(variables.map((variable, index) => [variable.id, index]));
    this.#onGradient = onGradient;
    this.#plan = plan(tape, loss, variables);
    this.#lossId = loss.id;
    this.#lossShape = loss.shape;
  }

  run(): BackwardResult {
    const { path, uses } = this.#plan;
    const withoutGradient = [...this.#variables].filter(([id]) => !uses.has(id)).map(([, index]) => index);
    this.#gradients.set(this.#lossId, this.#tf.ones(this.#lossShape));
    for (const { node, inputs } of path) {
      const upstream = node.outputs.map(output => this.#gradients.get(output.id) ?? null);
      const downstream = this.#throughNode(node, upstream, inputs);
      for (const output of node.outputs) this.#drop(output.id);
      release(node);
      inputs.forEach(([, { id }], i) => {
        this.#accumulate(id, downstream[i]);
      });
    }
    return { withoutGradient };
  }

  close(): void {
    for (const gradient of this.#gradients.values()) gradient.dispose();
    this.#gradients.clear();
  }

  #throughNode(node: TapeNode, upstream: (Tensor | null)[], inputs: [string, Tensor][]): Tensor[] {
    const { gradient, kernelName } = node;
    if (!gradient) {
      throw new EngineError(`The operation ${kernelName} has no gradient.`, {
        where: 'backward pass',
        hint: 'Use another operation on the way from the parameters to the loss, or tf.customGrad.',
      });
    }
    return this.#tf.tidy(() => {
      const gradients = gradient(upstream);
      // A gradient function may return its argument, or one tensor twice: each gets a reference of its own.
      return inputs.map(([name, input]) => this.#checked(gradients[name](), input, kernelName).clone());
    });
  }

  #checked(gradient: Tensor, input: Tensor, kernelName: string): Tensor {
    const fits = gradient.dtype === 'float32' && gradient.shape.join() === input.shape.join();
    if (fits) return gradient;
    throw new EngineError(
      `The gradient of ${kernelName} is ${gradient.dtype} [${gradient.shape}] for an input of shape [${input.shape}].`,
      { where: 'backward pass', hint: 'A gradient is float32 and has the shape of its input.' },
    );
  }

  #accumulate(id: number, gradient: Tensor): void {
    const earlier = this.#gradients.get(id);
    this.#gradients.set(id, earlier ? this.#tf.add(earlier, gradient) : gradient);
    if (earlier) {
      earlier.dispose();
      gradient.dispose();
    }
    const usesLeft = this.#plan.uses.get(id)! - 1;
    this.#plan.uses.set(id, usesLeft);
    const variable = this.#variables.get(id);
    if (usesLeft > 0 || variable === undefined) return;
    this.#onGradient(variable, this.#gradients.get(id)!);
    this.#drop(id);
  }

  #drop(id: number): void {
    this.#gradients.get(id)?.dispose();
    this.#gradients.delete(id);
  }
}
