/** How windows move over images: the arguments that `Windows::read` reads (native/ops/windows.h). */
import type { tf } from '../../tf.js';
import type { Attribute } from '../native-calls.js';

export type ImageWindows = ReturnType<typeof tf.backend_util.computeConv2DInfo>;
export type VolumeWindows = ReturnType<typeof tf.backend_util.computeConv3DInfo>;

export type Shape2d = [number, number, number, number];
export type Shape3d = [number, number, number, number, number];

export const imageWindows = (info: ImageWindows): Attribute[] => [
  info.dataFormat === 'channelsLast',
  [info.filterHeight, info.filterWidth],
  [info.strideHeight, info.strideWidth],
  [info.dilationHeight, info.dilationWidth],
  [info.padInfo.top, info.padInfo.left],
  [info.outHeight, info.outWidth],
];

export const volumeWindows = (info: VolumeWindows): Attribute[] => [
  info.dataFormat === 'channelsLast',
  [info.filterDepth, info.filterHeight, info.filterWidth],
  [info.strideDepth, info.strideHeight, info.strideWidth],
  [info.dilationDepth, info.dilationHeight, info.dilationWidth],
  [info.padInfo.front, info.padInfo.top, info.padInfo.left],
  [info.outDepth, info.outHeight, info.outWidth],
];

export const imageAxes = (info: ImageWindows): Attribute => [info.inHeight, info.inWidth];
export const volumeAxes = (info: VolumeWindows): Attribute => [info.inDepth, info.inHeight, info.inWidth];
