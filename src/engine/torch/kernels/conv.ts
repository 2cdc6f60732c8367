/** Convolutions of images, over all channels together or each by itself (depthwise), and their gradients. */
import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  NamedAttrMap,
} from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { activationOf } from './fused.js';
import type { TorchKernel, TorchKernels } from './kernel.js';
import { type ImageWindows, imageAxes, imageWindows, type Shape2d } from './windows.js';

/** The attributes of all kernels; gradients have no dilations, and depthwise ones no data format where it is NHWC. */
type Attributes = Pick<Conv2DAttrs, 'strides' | 'pad'> &
  Partial<Pick<Conv2DAttrs, 'dataFormat' | 'dilations' | 'dimRoundingMode'>>;

/** Kernels that differ only in whether each channel is convolved by itself. */
function convolutions(
  depthwise: boolean,
): Record<'forward' | 'inputGradient' | 'filterGradient', TorchKernel> {
  const windowsOf = (x: readonly number[], filter: readonly number[], attrs: NamedAttrMap): ImageWindows => {
    const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs as unknown as Attributes;
    return tf.backend_util.computeConv2DInfo(
      x as Shape2d,
      filter as Shape2d,
      strides,
      // tf.depthwiseConv2d hands on null where it was given nothing.
      dilations ?? 1,
      pad,
      dimRoundingMode,
      depthwise,
      tf.backend_util.convertConv2DDataFormat(dataFormat ?? 'NHWC'),
    );
  };
  return {
    forward({ x, filter, bias, preluActivationWeights }, attrs, backend) {
      const windows = imageWindows(windowsOf(x.shape, filter.shape, attrs));
      const inputs = [x, filter, bias, preluActivationWeights];
      return backend.run('convolve', inputs, ...windows, depthwise, ...activationOf(attrs));
    },
    inputGradient({ dy, filter }, attrs, backend) {
      const { inputShape } = attrs as unknown as Conv2DBackpropInputAttrs;
      const info = windowsOf(inputShape, filter.shape, attrs);
      const windows = imageWindows(info);
      return backend.run('convolutionInputGradient', [dy, filter], ...windows, depthwise, imageAxes(info));
    },
    filterGradient({ x, dy }, attrs, backend) {
      const { filterShape } = attrs as unknown as Conv2DBackpropFilterAttrs;
      const windows = imageWindows(windowsOf(x.shape, filterShape, attrs));
      return backend.run('convolutionFilterGradient', [x, dy], ...windows, depthwise, filterShape);
    },
  };
}

const full = convolutions(false);
const depthwise = convolutions(true);

export const convKernels: TorchKernels = {
  Conv2D: full.forward,
  FusedConv2D: full.forward,
  Conv2DBackpropInput: full.inputGradient,
  Conv2DBackpropFilter: full.filterGradient,
  DepthwiseConv2dNative: depthwise.forward,
  FusedDepthwiseConv2D: depthwise.forward,
  DepthwiseConv2dNativeBackpropInput: depthwise.inputGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwise.filterGradient,
};
