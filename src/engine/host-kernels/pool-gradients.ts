/**
 * Gradients of 2-d pooling, NHWC. Both stock ones are wrong somewhere: the wasm backend's max pooling where
 * windows overlap or are padded, and average pooling on either backend at padded borders, where the forward pass
 * averages over the pixels inside but the gradient divides by the full window.
 */
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import type { HostMemory } from '../host-memory.js';
import type { Kernel } from '../kernel-registration.js';
import { tf } from '../tf.js';

interface Windows {
  readonly channels: number;
  /**
   * @param visit called with the first element of each output pixel and those of the input pixels of its window
   */
  forEach(visit: (output: number, inputs: readonly number[]) => void): void;
}

function windowsOf(shape: readonly number[], attrs: NamedAttrMap): Windows {
  const info = tf.backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    attrs.filterSize as number,
    attrs.strides as number,
    1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
  );
  const { inChannels: channels, inHeight, inWidth, outHeight, outWidth } = info;
  const range = (out: number, stride: number, pad: number, filter: number, size: number) => {
    const start = out * stride - pad;
    return [Math.max(0, start), Math.min(size, start + filter)];
  };
  const forEach: Windows['forEach'] = visit => {
    const inputs: number[] = [];
    for (let pixel = 0; pixel < info.batchSize * outHeight * outWidth; pixel++) {
      const sample = Math.floor(pixel / (outHeight * outWidth));
      const outRow = Math.floor(pixel / outWidth) % outHeight;
      const [top, bottom] = range(outRow, info.strideHeight, info.padInfo.top, info.filterHeight, inHeight);
      const [left, right] = range(
        pixel % outWidth,
        info.strideWidth,
        info.padInfo.left,
        info.filterWidth,
        inWidth,
      );
      inputs.length = 0;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          inputs.push(((sample * inHeight + row) * inWidth + column) * channels);
        }
      }
      visit(pixel * channels, inputs);
    }
  };
  return { channels, forEach };
}

/** The whole gradient of a window goes to its largest element, the first one of equals. */
export const maxPoolGrad: Kernel<HostMemory> = ({ dy, input }, attrs, memory) => {
  const out = memory.allocate(input.shape);
  const [upstream, x, dx] = [dy, input, out].map(tensor => memory.float32(tensor));
  const { channels, forEach } = windowsOf(input.shape, attrs);
  dx.fill(0);
  forEach((output, inputs) => {
    for (let c = 0; c < channels; c++) {
      let largest = inputs[0];
      for (const start of inputs) if (x[start + c] > x[largest + c]) largest = start;
      dx[largest + c] += upstream[output + c];
    }
  });
  return out;
};

/** Each pixel of a window gets an equal part of its gradient; pixels outside the image have no part. */
export const avgPoolGrad: Kernel<HostMemory> = ({ dy, input }, attrs, memory) => {
  const out = memory.allocate(input.shape);
  const [upstream, dx] = [dy, out].map(tensor => memory.float32(tensor));
  const { channels, forEach } = windowsOf(input.shape, attrs);
  dx.fill(0);
  forEach((output, inputs) => {
    for (let i = 0; i < inputs.length; i++) {
      addShare(dx, inputs[i], upstream, output, channels, 1 / inputs.length);
    }
  });
  return out;
};

/** target[to …] += share · source[from …]. A function of its own, as the engine compiles it four times faster so. */
function addShare(
  target: Float32Array,
  to: number,
  source: Float32Array,
  from: number,
  length: number,
  share: number,
): void {
  for (let i = 0; i < length; i++) target[to + i] += share * source[from + i];
}
