/**
 * Where kernels differ if they differ at all: NaN, infinities, minus zero, int32 and bool, tensors without elements,
 * scalars, broadcasting, negative axes, indices out of range. The torch engine against the cpu engine: the same
 * shape, the same dtype, the same values, and an error where there is one. Left out is what the cpu backend itself
 * gets wrong (batches of products broadcast on both sides, cumulative sums over axis -1) or what has no right answer
 * (the largest of nothing, roots of a bool, powers that leave int32).
 */
import type { DataType, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { test } from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import {
  bools,
  type Input,
  input,
  inputs,
  none,
  odd,
  overflowing,
  pairs,
  rows,
} from './fixtures/corner-inputs.js';
import { creations, type Op, shapeOps } from './fixtures/corner-ops.js';

interface Outcome {
  readonly shapes: readonly (readonly number[])[];
  readonly types: readonly DataType[];
  readonly values: readonly (readonly number[])[];
}

async function outcome(backend: string, op: Op, of: readonly Input[]): Promise<Outcome | 'error'> {
  await tf.setBackend(backend);
  try {
    return tf.tidy(() => {
      const result = op(...of.map(({ values, shape, dtype }) => tf.tensor([...values], shape, dtype)));
      const tensors = Array.isArray(result) ? result : [result];
      const told: Outcome = {
        shapes: tensors.map(({ shape }) => shape),
        types: tensors.map(({ dtype }) => dtype),
        values: tensors.map(tensor => Array.from(tensor.dataSync())),
      };
      return told as never;
    }) as unknown as Outcome;
  } catch {
    return 'error';
  }
}

function isClose(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return a === b || Math.abs(a - b) <= 1e-5 * Math.max(1e-2, Math.abs(b));
}

const areClose = (a: Outcome, b: Outcome): boolean =>
  a.values.every(
    (list, i) => list.length === b.values[i].length && list.every((x, j) => isClose(x, b.values[i][j])),
  );

const show = (told: Outcome | 'error'): string =>
  told === 'error' ? 'an error' : `${told.types} [${told.shapes.join('], [')}]: ${told.values.join('; ')}`;

/** What is wrong with `op` on torch, in words. */
async function fault(name: string, op: Op, of: readonly Input[]): Promise<string[]> {
  const [actual, expected] = [await outcome('torch', op, of), await outcome('cpu', op, of)];
  const same =
    actual === 'error' || expected === 'error'
      ? actual === expected
      : `${actual.shapes.map(String)} ${actual.types}` ===
          `${expected.shapes.map(String)} ${expected.types}` && areClose(actual, expected);
  return same ? [] : [`${name}: ${show(actual)}, expected ${show(expected)}`];
}

const math = tf as unknown as Record<string, (...args: unknown[]) => Tensor>;

const anyType = 'abs ceil floor isFinite isInf isNaN neg relu round sign square zerosLike onesLike'.split(
  ' ',
);
const floats =
  `acos acosh asin asinh atan atanh cos cosh elu erf exp expm1 log log1p logSigmoid reciprocal relu6 rsqrt
  selu sigmoid sin sinh softplus sqrt step tan tanh`.split(/\s+/);

const arithmetic =
  `add sub mul div divNoNan floorDiv mod maximum minimum atan2 squaredDifference pow prelu`.split(/\s+/);
const relations =
  `equal notEqual less lessEqual greater greaterEqual logicalAnd logicalOr logicalXor bitwiseAnd`.split(
    /\s+/,
  );

const reductions = 'sum prod all any'.split(' ');
const reductionsOfSome = 'mean max min logSumExp'.split(' ');

const opened = isAddonBuilt();
const skip = !opened && 'the addon of the torch engine is not built (npm run build:native)';
if (opened) {
  await openEngine('cpu', 'cpu:0');
  await openEngine('torch', 'cpu:0');
}

/** Every fault is told, not the first only: one mistake often shows in several. */
function check(name: string, cases: () => AsyncGenerator<string[]>): void {
  test(name, { skip }, async t => {
    const faults: string[] = [];
    for await (const found of cases()) faults.push(...found);
    t.strictSame(faults, []);
  });
}

check('functions of one tensor', async function* () {
  for (const [kind, of] of Object.entries(inputs)) {
    for (const name of anyType) yield fault(`${name} of ${kind}`, x => math[name](x), [of]);
    if (of.dtype === 'bool') continue;
    for (const name of floats) yield fault(`${name} of ${kind}`, x => math[name](x), [of]);
  }
  for (const kind of ['odd [3, 4]', 'empty [2, 0, 3]'] as const) {
    for (const name of ['softmax', 'logSoftmax'])
      yield fault(`${name} of ${kind}`, x => math[name](x), [inputs[kind]]);
  }
  yield fault('logicalNot', x => tf.logicalNot(x), [inputs.bool]);
});

check('functions of two tensors, with broadcasting', async function* () {
  const both = async (name: string, [a, b]: readonly [Input, Input]) => {
    const described = `${name} of ${a.dtype} [${a.shape}], ${b.dtype} [${b.shape}]`;
    return [
      ...(await fault(described, (x, y) => math[name](x, y), [a, b])),
      ...(await fault(`${described}, exchanged`, (x, y) => math[name](y, x), [a, b])),
    ];
  };
  for (const pair of pairs) for (const name of [...arithmetic, ...relations]) yield both(name, pair);
  for (const name of relations) yield both(name, bools);
  for (const name of ['add', 'sub', 'mul', 'maximum', 'less']) yield both(name, overflowing);
});

check('reductions', async function* () {
  for (const [kind, of] of Object.entries(inputs)) {
    const ofNothing = of.values.length === 0;
    for (const name of ofNothing ? reductions : [...reductions, ...reductionsOfSome]) {
      for (const axis of [undefined, 0, -1, 1, [], 5, ...(of.shape.length > 1 ? [[0, -1]] : [])]) {
        for (const keep of [false, true]) {
          yield fault(
            `${name} of ${kind}, ${JSON.stringify(axis)}, ${keep}`,
            x => math[name](x, axis, keep),
            [of],
          );
        }
      }
    }
    if (of.shape.length === 0) continue;
    for (const name of ['cumsum', 'cumprod']) {
      yield fault(`${name} of ${kind}`, x => math[name](x, 0, true), [of]);
      yield fault(`${name} of ${kind} backwards`, x => math[name](x, 0, false, true), [of]);
    }
  }
});

check('where the largest is', async function* () {
  for (const name of ['argMax', 'argMin']) {
    for (const axis of [undefined, 0, -1, 1, 2]) {
      const described = `${name}, ${axis}`;
      yield fault(described, x => math[name](x, axis), [input([2, 1, 2, -1, Number.NaN, 0], [2, 3])]);
      yield fault(`${described}, int32`, x => math[name](x, axis), [inputs['int32 [2, 1, 4]']]);
      yield fault(`${described}, bool`, x => math[name](x, axis), [inputs.bool]);
    }
  }
});

check('casts', async function* () {
  const values = [...odd, 3e9, -3e9, 255.9, -1];
  for (const dtype of ['float32', 'int32', 'bool'] as const) {
    yield fault(`float32 to ${dtype}`, x => tf.cast(x, dtype), [input(values)]);
    for (const [kind, of] of Object.entries(inputs))
      yield fault(`${kind} to ${dtype}`, x => tf.cast(x, dtype), [of]);
  }
});

check('shapes and indices', async function* () {
  for (const [name, op] of Object.entries(shapeOps)) {
    for (const [dtype, of] of Object.entries(rows)) yield fault(`${name} of ${dtype}`, op, [of]);
    yield fault(`${name} of nothing`, op, [none]);
  }
});

check('tensors from nothing', async function* () {
  for (const [name, op] of Object.entries(creations)) yield fault(name, op, []);
});

const products: readonly (readonly [number[], number[], boolean, boolean])[] = [
  [[2, 3], [3, 4], false, false],
  [[3, 2], [4, 3], true, true],
  [[2, 3, 4], [1, 4, 5], false, false],
  [[0, 3], [3, 2], false, false],
  [[2, 0], [0, 3], false, false],
  [[2, 2, 0], [2, 0, 3], false, false],
  [[1, 3], [2, 3], false, true],
];

check('sums of segments', async function* () {
  const [values, ids] = [input([1, 2, 3, 4, 5, 6], [3, 2]), input([1, 4, 1], [3], 'int32')];
  const sums = (x: Tensor, i: Tensor) => tf.unsortedSegmentSum(x, i as Tensor1D, 3);
  yield fault('an id out of range', sums, [values, ids]);
  yield fault('a negative id', sums, [values, input([-1, 0, 0], [3], 'int32')]);
  yield fault('too few ids', sums, [values, input([1, 1], [2], 'int32')]);
  yield fault('of nothing', sums, [input([], [0, 2]), input([], [0], 'int32')]);
});

check('matrix products', async function* () {
  for (const [a, b, transposeA, transposeB] of products) {
    for (const dtype of ['float32', 'int32'] as const) {
      const of = [a, b].map(shape => {
        const size = shape.reduce((product, n) => product * n, 1);
        return input(
          Array.from({ length: size }, (_, i) => (i % 7) - 3),
          shape,
          dtype,
        );
      });
      yield fault(`${dtype} [${a}] × [${b}]`, (x, y) => tf.matMul(x, y, transposeA, transposeB), of);
    }
  }
});

test('what would reach past the memory of a tensor is refused', { skip }, async t => {
  await tf.setBackend('torch');
  const refused: Record<string, () => unknown> = {
    'fewer than no segments': () => tf.unsortedSegmentSum(tf.ones([3]), tf.tensor1d([0, 1, 2], 'int32'), -1),
    'ids for other rows': () => tf.unsortedSegmentSum(tf.ones([0, 3]), tf.tensor1d([1, 1], 'int32'), 3),
    'an image without columns': () =>
      tf.image.resizeNearestNeighbor(tf.ones([1, 3, 0, 2]) as Tensor4D, [6, 4]),
    'a window larger than the image': () => tf.maxPool(tf.ones([1, 2, 2, 3]) as Tensor4D, 5, 1, 'valid'),
    'an index too large': () => tf.gather(tf.ones([2]), tf.tensor1d([2], 'int32')),
    'rows for other tuples': () => tf.scatterND(tf.zeros([3, 1], 'int32'), tf.ones([2]), [4]),
  };
  for (const [name, op] of Object.entries(refused)) t.throws(() => tf.tidy(() => void op()), name);
});
