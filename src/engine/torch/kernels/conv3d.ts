/** Convolutions of volumes, and their gradients. */
import type {
  Conv3DAttrs,
  Conv3DBackpropFilterV2Attrs,
  Conv3DBackpropInputV2Attrs,
  NamedAttrMap,
} from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { activationOf } from './fused.js';
import type { TorchKernels } from './kernel.js';
import { type Shape3d, type VolumeWindows, volumeAxes, volumeWindows } from './windows.js';

/** The attributes of all three kernels; gradients have no dilations. */
type Attributes = Pick<Conv3DAttrs, 'strides' | 'pad'> & Partial<Pick<Conv3DAttrs, 'dilations'>>;

function windowsOf(x: readonly number[], filter: readonly number[], attrs: NamedAttrMap): VolumeWindows {
  const { strides, pad, dilations } = attrs as unknown as Attributes;
  return tf.backend_util.computeConv3DInfo(x as Shape3d, filter as Shape3d, strides, dilations ?? 1, pad);
}

export const conv3dKernels: TorchKernels = {
  Conv3D: ({ x, filter }, attrs, backend) => {
    const windows = volumeWindows(windowsOf(x.shape, filter.shape, attrs));
    return backend.run('convolve', [x, filter, undefined, undefined], ...windows, false, ...activationOf({}));
  },
  Conv3DBackpropInputV2: ({ dy, filter }, attrs, backend) => {
    const { inputShape } = attrs as unknown as Conv3DBackpropInputV2Attrs;
    const info = windowsOf(inputShape, filter.shape, attrs);
    const windows = volumeWindows(info);
    return backend.run('convolutionInputGradient', [dy, filter], ...windows, false, volumeAxes(info));
  },
  Conv3DBackpropFilterV2: ({ x, dy }, attrs, backend) => {
    const { filterShape } = attrs as unknown as Conv3DBackpropFilterV2Attrs;
    const windows = volumeWindows(windowsOf(x.shape, filterShape, attrs));
    return backend.run('convolutionFilterGradient', [x, dy], ...windows, false, filterShape);
  },
};
