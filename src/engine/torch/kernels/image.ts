/** Resizing, cropping, turning and warping of images. */
import type {
  CropAndResizeAttrs,
  NamedAttrMap,
  ResizeBilinearAttrs,
  RotateWithOffsetAttrs,
  TransformAttrs,
} from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import type { Attribute } from '../native-calls.js';
import type { TorchKernel, TorchKernels } from './kernel.js';

/** The arguments that `Resizing::read` reads (native/ops/image.cc). */
function resizing(attrs: NamedAttrMap, images: readonly number[], resized: readonly number[]): Attribute[] {
  const { alignCorners, halfPixelCenters } = attrs as unknown as ResizeBilinearAttrs;
  return [alignCorners ?? false, halfPixelCenters ?? false, ...images.slice(1, 3), ...resized];
}

const resize =
  (operation: string): TorchKernel =>
  ({ images }, attrs, backend) =>
    backend.run(operation, [images], ...resizing(attrs, images.shape, attrs.size as number[]));

const resizeGradient =
  (operation: string): TorchKernel =>
  ({ images, dy }, attrs, backend) =>
    backend.run(operation, [dy], ...resizing(attrs, images.shape, dy.shape.slice(1, 3)));

/** What the alpha channel is outside of a rotated image whose other channels are filled one by one. */
const OPAQUE = 255;

const rotate: TorchKernel = ({ image }, attrs, backend) => {
  const { radians, fillValue, center } = attrs as unknown as RotateWithOffsetAttrs;
  const [, height, width, channels] = image.shape;
  const [centerX, centerY] = tf.backend_util.getImageCenter(center, height, width);
  const fill = Array.from({ length: channels }, (_, channel) =>
    typeof fillValue === 'number' ? fillValue : channel === 3 ? OPAQUE : fillValue[channel],
  );
  return backend.run('rotate', [image], radians, centerX, centerY, fill);
};

/** In the order of `Outside` in native/ops/warp.cc. */
const fillModes: readonly TransformAttrs['fillMode'][] = ['constant', 'reflect', 'wrap', 'nearest'];

const transform: TorchKernel = ({ image, transforms }, attrs, backend) => {
  const { interpolation, fillMode, fillValue, outputShape } = attrs as unknown as TransformAttrs;
  const [height, width] = outputShape ?? image.shape.slice(1, 3);
  const mode = fillModes.indexOf(fillMode);
  const bilinear = interpolation === 'bilinear';
  return backend.run('transform', [image, transforms], height, width, bilinear, mode, fillValue);
};

export const imageKernels: TorchKernels = {
  CropAndResize: ({ image, boxes, boxInd }, attrs, backend) => {
    const { cropSize, method, extrapolationValue } = attrs as unknown as CropAndResizeAttrs;
    const bilinear = method === 'bilinear';
    return backend.run('cropAndResize', [image, boxes, boxInd], ...cropSize, bilinear, extrapolationValue);
  },
  FlipLeftRight: ({ image }, _attrs, backend) => backend.run('reverse', [image], [2]),
  ResizeBilinear: resize('resizeBilinear'),
  ResizeBilinearGrad: resizeGradient('resizeBilinearGradient'),
  ResizeNearestNeighbor: resize('resizeNearest'),
  ResizeNearestNeighborGrad: resizeGradient('resizeNearestGradient'),
  RotateWithOffset: rotate,
  Transform: transform,
};
