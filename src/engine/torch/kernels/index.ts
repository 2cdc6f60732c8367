/** Kernels that read or write where indices say. */
import { tf } from '../../tf.js';
import type { TorchKernels } from './kernel.js';

export const indexKernels: TorchKernels = {
  GatherNd: ({ params, indices }, _attrs, backend) => {
    const [shape] = tf.backend_util.prepareAndValidate(params, indices);
    return backend.run('gatherNd', [params, indices], shape);
  },
  GatherV2: ({ x, indices }, { axis, batchDims }, backend) => {
    const [parsedAxis] = tf.util.parseAxisParam(axis as number, x.shape);
    const wanted = (batchDims as number | undefined) ?? 0;
    const batchAxes = wanted < 0 ? wanted + indices.shape.length : wanted;
    const { collectGatherOpShapeInfo } = tf.backend_util.segment_util;
    const { outputShape } = collectGatherOpShapeInfo(x as never, indices as never, parsedAxis, batchAxes);
    return backend.run('gather', [x, indices], parsedAxis, batchAxes, outputShape);
  },
  ScatterNd: ({ indices, updates }, { shape }, backend) =>
    backend.run('scatterNd', [indices, updates], shape as number[]),
  TensorScatterUpdate: ({ tensor, indices, updates }, _attrs, backend) =>
    backend.run('tensorScatterUpdate', [tensor, indices, updates]),
  UnsortedSegmentSum: ({ x, segmentIds }, { numSegments }, backend) =>
    backend.run('unsortedSegmentSum', [x, segmentIds], numSegments as number),
};
