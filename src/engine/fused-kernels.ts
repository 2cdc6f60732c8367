/**
 * Names and contracts of the fused kernels that gradring adds to a backend. A backend that lacks one is served by
 * a composition of tf ops in `nn/`. All tensors are float32 unless said otherwise; C is the last axis.
 */
export const FusedKernel = {
  /** {x [.., C], scale [C]?, offset [C]?}, {epsilon} → [y, mean [C], variance [C] (biased)]. */
  batchNormTrain: 'BatchNormTrain',
  /** {dy, x, mean, variance, scale?}, {epsilon} → [dx, dScale [C], dOffset [C]]. */
  batchNormTrainGrad: 'BatchNormTrainGrad',
  /** {logits [N, C], labels int32 [N]}, {weight} → [weight × sum of losses (scalar), probabilities [N, C]]. */
  crossEntropy: 'SparseSoftmaxCrossEntropy',
  /** {probabilities, labels, dy (scalar)}, {weight} → dLogits [N, C]. */
  crossEntropyGrad: 'SparseSoftmaxCrossEntropyGrad',
  /** {dy, y}, {slope} → dx: dy where y > 0, slope × dy elsewhere. */
  reluGrad: 'ReluGradFromOutput',
  /** {x [.., C]} → [C], the sum over all other axes. */
  columnSum: 'ColumnSum',
} as const;
