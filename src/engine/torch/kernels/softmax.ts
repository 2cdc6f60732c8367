/** Softmax, softmax cross-entropy with integer labels, and draws from probabilities. */
import { FusedKernel } from '../../fused-kernels.js';
import { checkLabels } from '../../host-kernels/cross-entropy.js';
import type { TorchKernels } from './kernel.js';

export const softmaxKernels: TorchKernels = {
  Softmax: ({ logits }, { dim }, backend) => backend.run('softmax', [logits], dim as number),
  Multinomial: ({ logits }, { numSamples, seed, normalized }, backend) => {
    const probabilities = normalized ? backend.share(logits) : backend.run('softmax', [logits], -1);
    const draws = backend.run('multinomial', [probabilities], numSamples as number, seed as number);
    backend.disposeIntermediateTensorInfo(probabilities);
    return draws;
  },
  [FusedKernel.crossEntropy]: ({ logits, labels }, { weight }, backend) => {
    const classes = logits.shape[1];
    // On a GPU nothing is outside, as far as is known: the loss is NaN then.
    backend.runOn('rowOutside', [], [labels], classes);
    if (backend.answer() !== -1) checkLabels(backend.readSync(labels.dataId) as Int32Array, classes);
    return backend.runAll('crossEntropy', 2, [logits, labels], weight as number);
  },
  [FusedKernel.crossEntropyGrad]: ({ probabilities, labels, dy }, { weight }, backend) =>
    backend.run('crossEntropyGrad', [probabilities, labels, dy], weight as number),
};
