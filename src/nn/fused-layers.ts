/** Makes stock tfjs-layers models train on fused operations. The models themselves stay what they are. */
import { installBatchNorm } from './batch-norm.js';
import { installConv2d } from './conv2d.js';
import { installDense } from './dense.js';
import { installGradients } from './gradients.js';

/** Once per thread, before the first training step; calling it again does nothing. */
export function installFusedLayers(): void {
  installGradients();
  installBatchNorm();
  installConv2d();
  installDense();
}
