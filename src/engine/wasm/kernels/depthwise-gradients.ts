/**
 * The gradients of a depthwise convolution, which tfjs's wasm backend lacks: both walk over output pixels and
 * filter taps, with the channels innermost. Filter [height, width, channels, multiplier].
 */
import type { NamedAttrMap, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import type { Kernel } from '../../kernel-registration.js';
import { tf } from '../../tf.js';
import type { WasmBackend } from '../backend.js';

type Shape4D = [number, number, number, number];

interface Walk {
  readonly channels: number;
  readonly multiplier: number;
  /** Called with the first element of an input pixel, of a filter tap and of an output pixel. */
  forEach(visit: (x: number, filter: number, dy: number) => void): void;
}

function walkOf(inputShape: number[], filterShape: number[], attrs: NamedAttrMap): Walk {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    attrs.strides as number,
    (attrs.dilations as number | undefined) ?? 1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
    true,
  );
  const { inChannels, outChannels, padInfo } = info;
  const forEach: Walk['forEach'] = visit => {
    for (let pixel = 0; pixel < info.batchSize * info.outHeight * info.outWidth; pixel++) {
      const sample = Math.floor(pixel / (info.outHeight * info.outWidth));
      const top = (Math.floor(pixel / info.outWidth) % info.outHeight) * info.strideHeight - padInfo.top;
      const left = (pixel % info.outWidth) * info.strideWidth - padInfo.left;
      for (let tap = 0; tap < info.filterHeight * info.filterWidth; tap++) {
        const row = top + Math.floor(tap / info.filterWidth) * info.dilationHeight;
        const column = left + (tap % info.filterWidth) * info.dilationWidth;
        if (row < 0 || row >= info.inHeight || column < 0 || column >= info.inWidth) continue;
        const x = ((sample * info.inHeight + row) * info.inWidth + column) * inChannels;
        visit(x, tap * outChannels, pixel * outChannels);
      }
    }
  };
  return { channels: inChannels, multiplier: outChannels / inChannels, forEach };
}

const views = (backend: WasmBackend, ...tensors: TensorInfo[]): TypedArray[] =>
  tensors.map(tensor => backend.typedArrayFromHeap(tensor));

export const depthwiseFilterGradient: Kernel<WasmBackend> = ({ x, dy }, attrs, backend) => {
  const filterShape = attrs.filterShape as number[];
  const out = backend.makeOutput(filterShape, 'float32');
  const [input, upstream, gradient] = views(backend, x, dy, out);
  const { channels, multiplier, forEach } = walkOf(x.shape, filterShape, attrs);
  gradient.fill(0);
  forEach((xStart, tapStart, dyStart) => {
    for (let c = 0, k = 0; c < channels; c++) {
      for (let m = 0; m < multiplier; m++, k++) {
        gradient[tapStart + k] += input[xStart + c] * upstream[dyStart + k];
      }
    }
  });
  return out;
};

export const depthwiseInputGradient: Kernel<WasmBackend> = ({ dy, filter }, attrs, backend) => {
  const inputShape = attrs.inputShape as number[];
  const out = backend.makeOutput(inputShape, 'float32');
  const [weights, upstream, gradient] = views(backend, filter, dy, out);
  const { channels, multiplier, forEach } = walkOf(inputShape, filter.shape, attrs);
  gradient.fill(0);
  forEach((xStart, tapStart, dyStart) => {
    for (let c = 0, k = 0; c < channels; c++) {
      for (let m = 0; m < multiplier; m++, k++) {
        gradient[xStart + c] += weights[tapStart + k] * upstream[dyStart + k];
      }
    }
  });
  return out;
};
