/** Kernels that compute nothing: their result shares its input's data. */
import { tf } from '../../tf.js';
import type { TorchKernels } from './kernel.js';

export const shareKernels: TorchKernels = {
  Identity: ({ x }, _attrs, backend) => backend.share(x),
  Reshape: ({ x }, { shape }, backend) => {
    const size = tf.util.sizeFromShape(x.shape);
    const target = tf.util.inferFromImplicitShape(shape as number[], size);
    const targetSize = tf.util.sizeFromShape(target);
    tf.util.assert(
      size === targetSize,
      () =>
        `The new shape [${target}] has ${targetSize} elements and the old shape [${x.shape}] has ${size}.`,
    );
    return backend.share(x, target);
  },
  ExpandDims: ({ input }, { dim }, backend) => {
    const axis = (dim as number) < 0 ? (dim as number) + input.shape.length + 1 : (dim as number);
    tf.util.assert(axis >= 0 && axis <= input.shape.length, () => `Axis ${dim} is outside of the rank.`);
    return backend.share(input, input.shape.toSpliced(axis, 0, 1));
  },
};
