/**
 * Conv2DBackpropInput as forward convolutions, which run ten times faster than tfjs's own kernel.
 *
 * With i an input row, p the padding and s the stride, i + p = q·s + r, only the filter rows r, r + s, r + 2s, …
 * reach row i, from the output rows q, q − 1, q − 2, …: for each remainder r (a phase) the gradient is a stride-1
 * convolution of dy with every s-th filter row, turned round. Columns likewise. Nothing is multiplied by an
 * inserted zero, so a strided convolution's gradient costs as much as its forward pass.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import type { WasmBackend } from '../backend.js';
import { type ConvGeometry, convGeometry } from './conv-geometry.js';

/** One axis of one phase. */
interface Phase {
  /** r above: first filter row. */
  readonly first: number;
  /** How many filter rows take part. */
  readonly taps: number;
  /** First input row of the phase, and how many there are, each a stride after the last. */
  readonly start: number;
  readonly count: number;
  /** Zeros before and after dy; negative: rows of dy left out. */
  readonly before: number;
  readonly after: number;
}

function phasesOf(size: number, outSize: number, filter: number, stride: number, pad: number): Phase[] {
  return Array.from({ length: stride }, (_, first) => {
    const lowest = Math.max(0, Math.ceil((pad - first) / stride));
    const highest = Math.floor((size - 1 + pad - first) / stride);
    const taps = Math.max(0, Math.ceil((filter - first) / stride));
    return {
      first,
      taps,
      start: lowest * stride + first - pad,
      count: highest - lowest + 1,
      before: taps - 1 - lowest,
      after: highest - (outSize - 1),
    };
  }).filter(phase => phase.count > 0);
}

export function createConv2dInputGradient(): Kernel<WasmBackend> {
  const conv2d = stockKernel<WasmBackend>('Conv2D', 'wasm')!;
  const slice = stockKernel<WasmBackend>('Slice', 'wasm')!;

  /** dy with rows and columns left out where a phase asks for a negative padding. */
  const crop = (dy: TensorInfo, rows: Phase, columns: Phase, backend: WasmBackend): TensorInfo => {
    const [batch, height, width, channels] = dy.shape;
    const cut = [rows.before, rows.after, columns.before, columns.after].map(n => Math.max(0, -n));
    if (cut.every(n => n === 0)) return dy;
    const begin = [0, cut[0], cut[2], 0];
    const size = [batch, height - cut[0] - cut[1], width - cut[2] - cut[3], channels];
    return slice({ x: dy }, { begin, size }, backend) as TensorInfo;
  };

  return ({ dy, filter }, attrs, backend) => {
    const geometry = convGeometry(attrs.inputShape as number[], filter.shape, attrs);
    const { stride, pad } = geometry;
    const dx = backend.makeOutput(attrs.inputShape as number[], 'float32');
    const rowPhases = phasesOf(
      geometry.inHeight,
      geometry.outHeight,
      geometry.filterHeight,
      stride.height,
      pad.top,
    );
    const columnPhases = phasesOf(
      geometry.inWidth,
      geometry.outWidth,
      geometry.filterWidth,
      stride.width,
      pad.left,
    );
    // Some input pixels are reached by no filter position; all others are written by their phase.
    backend.typedArrayFromHeap(dx).fill(0);
    for (const rows of rowPhases) {
      for (const columns of columnPhases) {
        if (rows.taps === 0 || columns.taps === 0) continue;
        const upstream = crop(dy, rows, columns, backend);
        const turned = turnFilter(backend, filter, rows, columns, geometry);
        const padding = [
          [0, 0],
          [Math.max(0, rows.before), Math.max(0, rows.after)],
          [Math.max(0, columns.before), Math.max(0, columns.after)],
          [0, 0],
        ];
        const convAttrs = { strides: [1, 1], dilations: [1, 1], pad: padding, dataFormat: 'NHWC' };
        const part = conv2d({ x: upstream, filter: turned }, convAttrs, backend) as TensorInfo;
        placePhase(backend, part, dx, rows, columns, geometry);
        if (upstream !== dy) backend.disposeData(upstream.dataId);
        backend.disposeData(turned.dataId);
        backend.disposeData(part.dataId);
      }
    }
    return dx;
  };
}

/** The phase's filter rows and columns in reverse, with input and output channels swapped. */
function turnFilter(
  backend: WasmBackend,
  filter: TensorInfo,
  rows: Phase,
  columns: Phase,
  { filterWidth, inChannels, outChannels, stride }: ConvGeometry,
): TensorInfo {
  const turned = backend.makeOutput([rows.taps, columns.taps, outChannels, inChannels], 'float32');
  const source = backend.typedArrayFromHeap(filter);
  const target = backend.typedArrayFromHeap(turned);
  let to = 0;
  for (let row = rows.taps - 1; row >= 0; row--) {
    for (let column = columns.taps - 1; column >= 0; column--) {
      const tap = (rows.first + row * stride.height) * filterWidth + columns.first + column * stride.width;
      const from = tap * inChannels * outChannels;
      for (let k = 0; k < outChannels; k++) {
        for (let c = 0; c < inChannels; c++) target[to++] = source[from + c * outChannels + k];
      }
    }
  }
  return turned;
}

/** Copies the phase's pixels to where they lie in dx. */
function placePhase(
  backend: WasmBackend,
  part: TensorInfo,
  dx: TensorInfo,
  rows: Phase,
  columns: Phase,
  { batch, inHeight, inWidth, inChannels, stride }: ConvGeometry,
): void {
  const source = backend.typedArrayFromHeap(part);
  const target = backend.typedArrayFromHeap(dx);
  if (stride.height === 1 && stride.width === 1) {
    target.set(source);
    return;
  }
  let from = 0;
  for (let sample = 0; sample < batch; sample++) {
    for (let row = 0; row < rows.count; row++) {
      const line = (sample * inHeight + rows.start + row * stride.height) * inWidth + columns.start;
      for (let column = 0; column < columns.count; column++) {
        const to = (line + column * stride.width) * inChannels;
        for (let c = 0; c < inChannels; c++) target[to + c] = source[from++];
      }
    }
  }
}
