/** Average and max pools of images and volumes, and their gradients. */
import type {
  AvgPool3DAttrs,
  AvgPoolAttrs,
  MaxPoolWithArgmaxAttrs,
  NamedAttrMap,
} from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import type { TorchKernel, TorchKernels } from './kernel.js';
import {
  type ImageWindows,
  imageAxes,
  imageWindows,
  type Shape2d,
  type Shape3d,
  type VolumeWindows,
  volumeAxes,
  volumeWindows,
} from './windows.js';

function imagePool(shape: readonly number[], attrs: NamedAttrMap): ImageWindows {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as AvgPoolAttrs;
  return tf.backend_util.computePool2DInfo(shape as Shape2d, filterSize, strides, 1, pad, dimRoundingMode);
}

function volumePool(shape: readonly number[], attrs: NamedAttrMap): VolumeWindows {
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attrs as unknown as AvgPool3DAttrs;
  const { computePool3DInfo } = tf.backend_util;
  return computePool3DInfo(shape as Shape3d, filterSize, strides, 1, pad, dimRoundingMode, dataFormat);
}

/** Pooling of 2-d images. tfjs takes one-by-one windows for no pool at all where the shape stays, even if padded. */
const imagePooling =
  (operation: string): TorchKernel =>
  ({ x }, attrs, backend) => {
    const info = imagePool(x.shape, attrs);
    const oneByOne = info.filterHeight === 1 && info.filterWidth === 1;
    if (oneByOne && tf.util.arraysEqual(info.inShape, info.outShape)) return backend.share(x);
    return backend.run(operation, [x], ...imageWindows(info));
  };

export const poolKernels: TorchKernels = {
  AvgPool: imagePooling('averagePool'),
  AvgPoolGrad: ({ dy, input }, attrs, backend) => {
    const info = imagePool(input.shape, attrs);
    return backend.run('averagePoolGradient', [dy], ...imageWindows(info), imageAxes(info));
  },
  AvgPool3D: ({ x }, attrs, backend) =>
    backend.run('averagePool', [x], ...volumeWindows(volumePool(x.shape, attrs))),
  AvgPool3DGrad: ({ dy, input }, attrs, backend) => {
    const info = volumePool(input.shape, attrs);
    return backend.run('averagePoolGradient', [dy], ...volumeWindows(info), volumeAxes(info));
  },
  MaxPool: imagePooling('maxPool'),
  MaxPoolGrad: ({ dy, input }, attrs, backend) =>
    backend.run('maxPoolGradient', [dy, input], ...imageWindows(imagePool(input.shape, attrs))),
  MaxPool3D: ({ x }, attrs, backend) =>
    backend.run('maxPool', [x], ...volumeWindows(volumePool(x.shape, attrs))),
  MaxPool3DGrad: ({ dy, input }, attrs, backend) =>
    backend.run('maxPoolGradient', [dy, input], ...volumeWindows(volumePool(input.shape, attrs))),
  MaxPoolWithArgmax: ({ x }, attrs, backend) => {
    const { includeBatchInIndex } = attrs as unknown as MaxPoolWithArgmaxAttrs;
    const windows = imageWindows(imagePool(x.shape, attrs));
    return backend.runAll('maxPoolWithArgmax', 2, [x], ...windows, includeBatchInIndex);
  },
};
