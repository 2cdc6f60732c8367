/** Sizes of a 2-d convolution, NHWC, and the padding of its input. */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { EngineError } from '../../../errors.js';
import { tf } from '../../tf.js';
import type { WasmBackend } from '../backend.js';

export interface ConvGeometry {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly stride: { readonly height: number; readonly width: number };
  readonly pad: { readonly top: number; readonly left: number };
}

type Shape4D = [number, number, number, number];

/** @throws EngineError for what the wasm backend cannot do, or does wrongly without a word. */
export function convGeometry(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attrs: NamedAttrMap,
): ConvGeometry {
  if (attrs.dataFormat === 'NCHW') {
    throw new EngineError('The wasm engine has no conv2d for channels-first images.', {
      where: `conv2d with a kernel of shape [${filterShape}]`,
      hint: "Use dataFormat 'channelsLast'.",
    });
  }
  const info = tf.backend_util.computeConv2DInfo(
    [...inputShape] as Shape4D,
    [...filterShape] as Shape4D,
    attrs.strides as number,
    (attrs.dilations as number | undefined) ?? 1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
  );
  refuseSkippedPixels(info);
  return {
    batch: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    inChannels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    stride: { height: info.strideHeight, width: info.strideWidth },
    pad: { top: info.padInfo.top, left: info.padInfo.left },
  };
}

/** The wasm backend's conv2d returns zeros, without a word, for 'same' with a kernel smaller than the stride. */
function refuseSkippedPixels(info: {
  padInfo: { type: string };
  filterHeight: number;
  filterWidth: number;
  strideHeight: number;
  strideWidth: number;
}): void {
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const skips = filterHeight < strideHeight || filterWidth < strideWidth;
  const isPointwise = filterHeight === 1 && filterWidth === 1;
  if (padInfo.type !== 'SAME' || !skips || isPointwise) return;
  throw new EngineError(
    `The wasm backend computes zeros for a ${filterHeight}×${filterWidth} kernel with strides ` +
      `${strideHeight}×${strideWidth} and 'same' padding.`,
    {
      where: 'conv2d',
      hint: "Use a kernel at least as large as the stride, or padding 'valid' (github.com/tensorflow/tfjs/issues/5907).",
    },
  );
}

/**
 * x with zeros around it, so that every filter position lies inside. x itself, without a new reference, where it
 * needs none.
 */
export function padRowsAndColumns(backend: WasmBackend, x: TensorInfo, geometry: ConvGeometry): TensorInfo {
  const { batch, inHeight, inWidth, inChannels, stride, pad } = geometry;
  const height = (geometry.outHeight - 1) * stride.height + geometry.filterHeight;
  const width = (geometry.outWidth - 1) * stride.width + geometry.filterWidth;
  if (pad.top === 0 && pad.left === 0 && height <= inHeight && width <= inWidth) return x;
  const padded = backend.makeOutput([batch, height, width, inChannels], 'float32');
  const source = backend.typedArrayFromHeap(x);
  const target = backend.typedArrayFromHeap(padded).fill(0);
  const rows = Math.min(inHeight, height - pad.top);
  const columns = Math.min(inWidth, width - pad.left);
  for (let sample = 0; sample < batch; sample++) {
    for (let row = 0; row < rows; row++) {
      const from = (sample * inHeight + row) * inWidth * inChannels;
      const to = ((sample * height + row + pad.top) * width + pad.left) * inChannels;
      target.set(source.subarray(from, from + columns * inChannels), to);
    }
  }
  return padded;
}
