/** Convolutions of each channel of images by itself, and their gradients. */
import type {
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  NamedAttrMap,
} from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { activationOf } from './fused.js';
import type { TorchKernel, TorchKernels } from './kernel.js';
import { type ImageWindows, imageAxes, imageWindows, type Shape2d } from './windows.js';

function windowsOf(x: readonly number[], filter: readonly number[], attrs: NamedAttrMap): ImageWindows {
  const {
    strides,
    pad,
    dataFormat = 'NHWC',
    dilations,
    dimRoundingMode,
  } = attrs as unknown as DepthwiseConv2dNativeAttrs;
  return tf.backend_util.computeConv2DInfo(
    x as Shape2d,
    filter as Shape2d,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    true,
    tf.backend_util.convertConv2DDataFormat(dataFormat),
  );
}

const convolve: TorchKernel = ({ x, filter, bias, preluActivationWeights }, attrs, backend) => {
  const windows = imageWindows(windowsOf(x.shape, filter.shape, attrs));
  const activation = activationOf(attrs);
  return backend.run('convolve', [x, filter, bias, preluActivationWeights], ...windows, true, ...activation);
};

export const depthwiseKernels: TorchKernels = {
  DepthwiseConv2dNative: convolve,
  FusedDepthwiseConv2D: convolve,
  DepthwiseConv2dNativeBackpropInput: ({ dy, filter }, attrs, backend) => {
    const { inputShape } = attrs as unknown as DepthwiseConv2dNativeBackpropInputAttrs;
    const info = windowsOf(inputShape, filter.shape, attrs);
    const windows = imageWindows(info);
    return backend.run('convolutionInputGradient', [dy, filter], ...windows, true, imageAxes(info));
  },
  DepthwiseConv2dNativeBackpropFilter: ({ x, dy }, attrs, backend) => {
    const { filterShape } = attrs as unknown as DepthwiseConv2dNativeBackpropFilterAttrs;
    const windows = imageWindows(windowsOf(x.shape, filterShape, attrs));
    return backend.run('convolutionFilterGradient', [x, dy], ...windows, true, filterShape);
  },
};
