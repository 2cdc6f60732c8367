/** Kernels of the torch engine against those of the cpu backend, on random inputs of many shapes and dtypes. */
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import { test } from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { Purpose, Random } from '../../src/random.js';
import { binaryCases, cornerCases, unaryCases } from './fixtures/kernels/elementwise.js';
import type { Input, KernelCase, Shape } from './fixtures/kernels/kernel-case.js';
import { normCases } from './fixtures/kernels/norms.js';
import { creationCases, reductionCases } from './fixtures/kernels/reductions.js';
import { imageCases, indexCases, productCases, shapeCases } from './fixtures/kernels/shapes.js';

const families: Readonly<Record<string, readonly KernelCase[]>> = {
  'functions of an element': unaryCases,
  'arithmetic and logic of two tensors': binaryCases,
  'NaN, infinities and what no int32 holds': cornerCases,
  'reductions, scans and counts': reductionCases,
  'tensors made of numbers': creationCases,
  'normalisations and losses': normCases,
  'matrix products': productCases,
  'movements of values': shapeCases,
  'reading and writing by index': indexCases,
  'images resized, cropped and turned': imageCases,
};

const skip = isAddonBuilt() ? false : 'the addon of the torch engine is not built: npm run build:native';
if (!skip) {
  await openEngine('cpu', 'cpu:0');
  await openEngine('torch', 'cpu:0');
}

function inputOf({ shape, dtype, range = [-4, 4], values }: Input, random: Random): Tensor {
  const [least, most] = dtype === 'bool' ? [0, 1] : range;
  const draw = () =>
    dtype === 'float32' ? least + random.float() * (most - least) : least + random.below(most - least + 1);
  const drawn = values ?? Array.from({ length: tf.util.sizeFromShape([...shape]) }, draw);
  return tf.tensor([...drawn], [...shape], dtype);
}

interface Result {
  readonly shape: Shape;
  readonly dtype: DataType;
  readonly values: ArrayLike<number>;
}

/** What the kernel answers on a backend. The inputs are the same draws on each. */
async function run(backend: string, { kernel, inputs, attrs }: KernelCase, seed: number): Promise<Result[]> {
  await tf.setBackend(backend);
  const random = new Random({ seed, purpose: Purpose.initialisation });
  const before = tf.engine().backend.numDataIds();
  tf.engine().startScope();
  const made = Object.entries(inputs).map(([name, input]) => [name, inputOf(input, random)]);
  const given = Array.isArray(inputs) ? made.map(([, tensor]) => tensor) : Object.fromEntries(made);
  const outputs = [tf.engine().runKernel(kernel, given, attrs)].flat() as Tensor[];
  const results = outputs.map(tensor => ({
    shape: tensor.shape,
    dtype: tensor.dtype,
    values: tensor.dataSync() as ArrayLike<number>,
  }));
  tf.engine().endScope();
  const leaked = tf.engine().backend.numDataIds() - before;
  if (leaked !== 0) throw new Error(`${kernel} leaks ${leaked} tensors on ${backend}`);
  return results;
}

const isClose = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));

/** Undefined where both are the same. */
function difference(actual: Result, expected: Result): string | undefined {
  const [got, wanted] = [actual, expected].map(({ shape, dtype }) => `${dtype} [${shape}]`);
  if (got !== wanted) return `${got} in place of ${wanted}`;
  for (let i = 0; i < expected.values.length; i++) {
    const [a, b] = [actual.values[i], expected.values[i]];
    if (!isClose(a, b)) return `element ${i} is ${a} in place of ${b}`;
  }
  return undefined;
}

for (const [family, cases] of Object.entries(families)) {
  test(`${family}, ${cases.length} cases`, { skip }, async t => {
    const failures: string[] = [];
    for (const [seed, kernelCase] of cases.entries()) {
      const expected = await run('cpu', kernelCase, seed);
      const actual = await run('torch', kernelCase, seed);
      const differences = expected.map((result, i) => difference(actual[i], result)).filter(Boolean);
      if (differences.length > 0) failures.push(`${JSON.stringify(kernelCase)}: ${differences}`);
    }
    t.same(failures, []);
  });
}

test('a label that is no class is refused by name', { skip }, async t => {
  await tf.setBackend('torch');
  const inputs = { logits: tf.zeros([2, 3]), labels: tf.tensor1d([1, 3], 'int32') };
  t.throws(() => tf.engine().runKernel('SparseSoftmaxCrossEntropy', inputs, { weight: 1 }), {
    code: 'E_RECIPE',
    message: /Label 3 has no output/,
  });
});

test('draws follow the probabilities, and their seed', { skip }, async t => {
  await tf.setBackend('torch');
  const draw = (seed: number) => {
    const inputs = { logits: tf.log(tf.tensor2d([[0.1, 0.6, 0.3]])) };
    const attrs = { numSamples: 10_000, seed, normalized: false };
    return (tf.engine().runKernel('Multinomial', inputs, attrs) as Tensor).dataSync();
  };
  const draws = draw(0.25);
  t.equal(draw(0.25).join(), draws.join());
  t.not(draw(0.26).join(), draws.join(), 'a fraction is a seed too');
  const shares = [0, 1, 2].map(event => draws.filter(value => value === event).length / draws.length);
  t.ok(Math.abs(shares[0] - 0.1) < 0.02 && Math.abs(shares[1] - 0.6) < 0.02, `${shares}`);
});
