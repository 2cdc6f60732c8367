/**
 * Layers in training, on every engine of this machine: outputs and gradients against the layers' definitions in float64
 * and central differences of them. Nothing of TensorFlow.js is on the reference's side.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import t from 'tap';
import type { Engine } from '../../src/engine/engine.js';
import { engineFactories, openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { installFusedLayers } from '../../src/nn/fused-layers.js';
import { backward, discard, recordForward } from '../../src/nn/tape.js';
import { difference } from './backends.js';
import { type Case, type Input, randomCases } from './reference-cases.js';

const cases = randomCases(40);

/** The loss is Σ sin(i) · y[i]: an upstream gradient that differs at every place. */
const upstream = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i));

const tensorOf = ({ values, shape }: Input): Tensor => tf.tensor(values, [...shape]);
const valuesOf = (tensor: Tensor) => Float32Array.from(tensor.dataSync());

/** Layers as they are, or joined by the engine. */
type Apply = (model: LayersModel, input: Tensor) => Tensor;

const plainly: Apply = (model, input) => model.apply(input, { training: true }) as Tensor;

const joinedBy =
  (engine: Engine): Apply =>
  (model, input) =>
    engine.compile?.(model)?.apply(input, { training: true }) ?? plainly(model, input);

/** The output, and the loss's gradients: for x if `wantsInput`, and for each weight. */
function trained({ x, weights, build, outputOnly }: Case, apply: Apply, wantsInput: boolean): Float32Array[] {
  const model = build(x.shape.slice(1));
  for (const [i, weight] of weights.entries()) {
    const value = tensorOf(weight);
    model.trainableWeights[i].write(value);
    value.dispose();
  }
  const input = tensorOf(x);
  const bound = model.trainableWeights.map(weight => weight.read());
  let output = new Float32Array();
  const { value: loss, tape } = recordForward(tf, () => {
    const y = apply(model, input);
    output = valuesOf(y);
    return tf.sum(tf.mul(y, tf.tensor(upstream(y.size), y.shape)));
  });
  const gradients: Float32Array[] = [];
  if (outputOnly) discard(tape);
  else {
    backward(tape, loss, wantsInput ? [input, ...bound] : bound, (i, gradient) => {
      gradients[i] = valuesOf(gradient);
    });
  }
  tf.dispose([loss, input]);
  model.dispose();
  return [output, ...gradients];
}

/** Differences are taken at no more elements of a tensor than these, spread evenly. */
const most = 64;
const places = (length: number): number[] =>
  Array.from({ length: Math.min(length, most) }, (_, i) => Math.floor((i * length) / Math.min(length, most)));
const sampled = (values: ArrayLike<number>): number[] => places(values.length).map(i => values[i]);

interface Expected {
  readonly y: Float64Array;
  /** Derivatives at the sampled places. */
  readonly dx: readonly number[];
  readonly dWeights: readonly (readonly number[])[];
}

/** From the definition alone. */
function expected({ x, weights, definition, outputOnly }: Case): Expected {
  const inputs = [x, ...weights].map(({ values }) => Float64Array.from(values));
  const evaluate = (): Float64Array => definition(inputs[0], ...inputs.slice(1));
  const y = evaluate();
  if (outputOnly) return { y, dx: [], dWeights: [] };
  const dy = upstream(y.length);
  const loss = (): number => evaluate().reduce((sum, value, i) => sum + value * dy[i], 0);
  // So small that hardly a ReLU changes its side.
  const step = 1e-6;
  const derivative = (values: Float64Array, i: number): number => {
    const middle = values[i];
    const [up, down] = [step, -step].map(side => {
      values[i] = middle + side;
      return loss();
    });
    values[i] = middle;
    return (up - down) / (2 * step);
  };
  const [dx, ...dWeights] = inputs.map(values => places(values.length).map(i => derivative(values, i)));
  return { y, dx, dWeights };
}

const references = cases.map(expected);
installFusedLayers();

for (const [name, way] of [
  ['cpu', 'alone'],
  ['wasm', 'alone'],
  ['torch', 'alone'],
  ['torch', 'joined'],
] as const) {
  const { ok } = await engineFactories[name].available();
  const skip = !ok && `the ${name} engine cannot be used here`;
  t.test(`${name}, layers ${way}: 40 random ones`, { skip }, async t => {
    const engine = await openEngine(name, name === 'wasm' ? 'wasm:0' : 'cpu:0');
    // What is joined at the start of a model gives no gradient of the model's input.
    const wantsInput = way === 'alone';
    const apply = way === 'alone' ? plainly : joinedBy(engine);
    for (const [i, example] of cases.entries()) {
      const { y, dx, dWeights } = references[i];
      const gradients = example.outputOnly ? [] : wantsInput ? [dx, ...dWeights] : dWeights;
      const [output, ...actual] = trained(example, apply, wantsInput);
      // All together: a bias before a batch norm has the gradient 0, which nothing is relative to.
      const apart = [difference(output, y), difference(actual.flatMap(sampled), gradients.flat())];
      const shown = apart.map(value => value.toExponential(1));
      t.ok(Math.max(...apart) < 1e-4, `${example.name}: output and gradients ${shown} apart`);
    }
  });
}
