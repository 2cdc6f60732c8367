/**
 * Matrix products with transposed operands. tfjs's wasm backend computes them in a plain loop, ten to twenty times
 * slower than untransposed ones: a left operand is handled by outer products where it lies, a right one is
 * transposed first.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import { addressOf, type WasmBackend } from '../backend.js';
import { simdLoops } from '../simd/module.js';
import { addOuterProducts, blockBytes } from '../simd/outer-products.js';

type Transpose = (matrix: TensorInfo, backend: WasmBackend) => TensorInfo;

/** Swaps the last two axes; the caller disposes the result. */
function createTranspose(): Transpose {
  const transpose = stockKernel<WasmBackend>('Transpose', 'wasm')!;
  return (matrix, backend) => {
    const axes = matrix.shape.map((_, axis) => axis);
    [axes[axes.length - 2], axes[axes.length - 1]] = [axes[axes.length - 1], axes[axes.length - 2]];
    return transpose({ x: matrix }, { perm: axes }, backend) as TensorInfo;
  };
}

/** aᵀ·b for a [depth, rows] and b [depth, columns], possibly with a leading axis of 1. */
function leftTransposedProduct(a: TensorInfo, b: TensorInfo, backend: WasmBackend): TensorInfo {
  const [depth, rows] = a.shape.slice(-2);
  const columns = b.shape[b.shape.length - 1];
  const out = backend.makeOutput([...b.shape.slice(0, -2), rows, columns], 'float32');
  backend.typedArrayFromHeap(out).fill(0);
  const [aAddress, bAddress, outAddress] = [a, b, out].map(tensor => addressOf(backend, tensor));
  const block = Math.max(1, Math.floor(blockBytes / ((rows + columns) * 4)));
  for (let start = 0; start < depth; start += block) {
    addOuterProducts(
      simdLoops(backend),
      [aAddress + start * rows * 4, bAddress + start * columns * 4, outAddress],
      [rows, columns],
      {
        samples: 1,
        height: 1,
        width: Math.min(block, depth - start),
        xStep: rows * 4,
        xRowSkip: 0,
        xSampleSkip: 0,
        dyStep: columns * 4,
      },
    );
  }
  return out;
}

const batchOf = (matrix: TensorInfo): number => matrix.shape.slice(0, -2).reduce((n, m) => n * m, 1);

/** BatchMatMul or _FusedMatMul: `stock` after the transposed operands are made plain. */
export function createMatMul(name: 'BatchMatMul' | '_FusedMatMul'): Kernel<WasmBackend> {
  const stock = stockKernel<WasmBackend>(name, 'wasm')!;
  const transpose = createTranspose();
  return (inputs, attrs, backend) => {
    const isFloat = inputs.a.dtype === 'float32' && inputs.b.dtype === 'float32';
    const isSingle = batchOf(inputs.a) === 1 && batchOf(inputs.b) === 1;
    const isEmpty = [...inputs.a.shape, ...inputs.b.shape].includes(0);
    const { transposeA, transposeB } = attrs;
    if (name === 'BatchMatMul' && transposeA && !transposeB && isFloat && isSingle && !isEmpty) {
      return leftTransposedProduct(inputs.a, inputs.b, backend);
    }
    const a = transposeA ? transpose(inputs.a, backend) : inputs.a;
    const b = transposeB ? transpose(inputs.b, backend) : inputs.b;
    const plain = { ...attrs, transposeA: false, transposeB: false };
    const out = stock({ ...inputs, a, b }, plain, backend);
    if (a !== inputs.a) backend.disposeData(a.dataId);
    if (b !== inputs.b) backend.disposeData(b.dataId);
    return out;
  };
}
