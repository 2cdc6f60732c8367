import { type NativeType, nativeTypes } from '../dtypes.js';
import type { TorchKernels } from './kernel.js';

export const castKernels: TorchKernels = {
  Cast: ({ x }, { dtype }, backend) =>
    x.dtype === dtype ? backend.share(x) : backend.run('cast', [x], nativeTypes.indexOf(dtype as NativeType)),
};
