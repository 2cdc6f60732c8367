/**
 * Batch normalisation with compiled loops: the same sums as `host-kernels/batch-norm.ts`, four lanes at a time.
 * Sums of a block are float32, sums of blocks float64; squares are taken about a value near the mean, so that a
 * large mean does not eat the variance.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../../fused-kernels.js';
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import { addressOf, type WasmBackend } from '../backend.js';
import { rowsPerBlock, walkColumns } from '../simd/columns.js';
import { simdLoops } from '../simd/module.js';
import { scratch } from './scratch.js';

const floats = (backend: WasmBackend, tensor: TensorInfo | undefined): Float32Array | undefined =>
  tensor && (backend.typedArrayFromHeap(tensor) as Float32Array);

/** Sums of one loop over all rows, block by block. */
function columnSums(
  backend: WasmBackend,
  loop: 'moments' | 'products',
  tensors: readonly TensorInfo[],
  shift: number,
  channels: number,
): [Float64Array, Float64Array] {
  const rows = tensors[0].shape.slice(0, -1).reduce((n, m) => n * m, 1);
  const block = rowsPerBlock(channels, tensors.length);
  const streams = tensors.map(tensor => addressOf(backend, tensor));
  const area = scratch(backend, 2 * channels);
  const totals: [Float64Array, Float64Array] = [new Float64Array(channels), new Float64Array(channels)];
  const partial = area.values();
  for (let start = 0; start < rows; start += block) {
    partial.fill(0);
    walkColumns(simdLoops(backend), loop, Math.min(block, rows - start), channels, {
      streams: streams.map(address => address + start * channels * 4),
      constants: [shift],
      sums: [area.address, area.address + channels * 4],
    });
    for (let c = 0; c < channels; c++) {
      totals[0][c] += partial[c];
      totals[1][c] += partial[channels + c];
    }
  }
  area.free();
  return totals;
}

export function createBatchNormTrain(): Kernel<WasmBackend> {
  const general = stockKernel<WasmBackend>(FusedKernel.batchNormTrain, 'wasm')!;
  return (inputs, attrs, backend) => {
    const { x, scale, offset } = inputs;
    const channels = x.shape[x.shape.length - 1];
    const rows = x.shape.slice(0, -1).reduce((n, m) => n * m, 1);
    if (channels % 4 !== 0 || rows === 0) return general(inputs, attrs, backend);
    const outputs = [x.shape, [channels], [channels]].map(shape => backend.makeOutput(shape, 'float32'));
    const area = scratch(backend, 3 * channels);
    const [meanAddress, slopeAddress, offsetAddress] = [0, 1, 2].map(i => area.address + i * channels * 4);
    // The first row is near enough to the mean to serve as the shift.
    const coefficients = area.values();
    coefficients.set(backend.typedArrayFromHeap(x).subarray(0, channels));
    const [sums, squares] = columnSums(backend, 'moments', [x], meanAddress, channels);
    const values = area.values();
    const [mean, variance] = outputs.slice(1).map(output => floats(backend, output)!);
    const [scales, offsets] = [floats(backend, scale), floats(backend, offset)];
    for (let c = 0; c < channels; c++) {
      const difference = sums[c] / rows;
      mean[c] = values[c] + difference;
      variance[c] = Math.max(0, squares[c] / rows - difference * difference);
      values[c] = mean[c];
      values[channels + c] = (scales?.[c] ?? 1) / Math.sqrt(variance[c] + (attrs.epsilon as number));
      values[2 * channels + c] = offsets?.[c] ?? 0;
    }
    walkColumns(simdLoops(backend), 'scale', rows, channels, {
      streams: [addressOf(backend, x), addressOf(backend, outputs[0])],
      constants: [meanAddress, slopeAddress, offsetAddress],
    });
    area.free();
    return outputs;
  };
}

export function createBatchNormTrainGrad(): Kernel<WasmBackend> {
  const general = stockKernel<WasmBackend>(FusedKernel.batchNormTrainGrad, 'wasm')!;
  return (inputs, attrs, backend) => {
    const { dy, x, mean, variance, scale } = inputs;
    const channels = x.shape[x.shape.length - 1];
    const rows = x.shape.slice(0, -1).reduce((n, m) => n * m, 1);
    if (channels % 4 !== 0 || rows === 0) return general(inputs, attrs, backend);
    const outputs = [x.shape, [channels], [channels]].map(shape => backend.makeOutput(shape, 'float32'));
    const area = scratch(backend, 3 * channels);
    const meanAddress = addressOf(backend, mean);
    const [sums, products] = columnSums(backend, 'products', [dy, x], meanAddress, channels);
    const values = area.values();
    const [dScale, dOffset] = outputs.slice(1).map(output => floats(backend, output)!);
    const [variances, scales] = [floats(backend, variance)!, floats(backend, scale)];
    for (let c = 0; c < channels; c++) {
      const inverse = 1 / Math.sqrt(variances[c] + (attrs.epsilon as number));
      const slope = (scales?.[c] ?? 1) * inverse;
      dScale[c] = products[c] * inverse;
      dOffset[c] = sums[c];
      values[c] = slope;
      values[channels + c] = (-slope * inverse * inverse * products[c]) / rows;
      values[2 * channels + c] = (-slope * sums[c]) / rows;
    }
    walkColumns(simdLoops(backend), 'combine', rows, channels, {
      streams: [dy, x, outputs[0]].map(tensor => addressOf(backend, tensor)),
      constants: [meanAddress, ...[0, 1, 2].map(i => area.address + i * channels * 4)],
    });
    area.free();
    return outputs;
  };
}
