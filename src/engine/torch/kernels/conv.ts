/** Convolutions of images, and their gradients. */
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

/** The attributes of all three kernels; gradients have no dilations. */
type Attributes = Omit<Conv2DAttrs, 'dilations'> & Partial<Pick<Conv2DAttrs, 'dilations'>>;

function windowsOf(x: readonly number[], filter: readonly number[], attrs: NamedAttrMap): ImageWindows {
  const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs as unknown as Attributes;
  return tf.backend_util.computeConv2DInfo(
    x as Shape2d,
    filter as Shape2d,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    false,
    tf.backend_util.convertConv2DDataFormat(dataFormat),
  );
}

const convolve: TorchKernel = ({ x, filter, bias, preluActivationWeights }, attrs, backend) => {
  const windows = imageWindows(windowsOf(x.shape, filter.shape, attrs));
  const activation = activationOf(attrs);
  return backend.run('convolve', [x, filter, bias, preluActivationWeights], ...windows, false, ...activation);
};

export const convKernels: TorchKernels = {
  Conv2D: convolve,
  FusedConv2D: convolve,
  Conv2DBackpropInput: ({ dy, filter }, attrs, backend) => {
    const { inputShape } = attrs as unknown as Conv2DBackpropInputAttrs;
    const info = windowsOf(inputShape, filter.shape, attrs);
    const windows = imageWindows(info);
    return backend.run('convolutionInputGradient', [dy, filter], ...windows, false, imageAxes(info));
  },
  Conv2DBackpropFilter: ({ x, dy }, attrs, backend) => {
    const { filterShape } = attrs as unknown as Conv2DBackpropFilterAttrs;
    const windows = imageWindows(windowsOf(x.shape, filterShape, attrs));
    return backend.run('convolutionFilterGradient', [x, dy], ...windows, false, filterShape);
  },
};
