/**
 * Conv2D layers in training: convolution and bias as one kernel, with a gradient that computes only what is asked
 * for. tfjs's own fused convolution computes the gradient of the input even for a first layer, where nothing uses
 * it.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { setGradient } from '../engine/kernel-registration.js';
import { columnSum } from './column-sum.js';
import { isRecording, patchLayer } from './layer-patch.js';
import { runKernel } from './run-kernel.js';

interface Conv2dLayer {
  readonly kernel: { read(): Tensor };
  readonly bias: { read(): Tensor } | null;
  readonly strides: number[];
  readonly padding: string;
  readonly dataFormat: string;
  readonly dilationRate: number[];
  readonly activation: { apply(x: Tensor): Tensor } | null;
}

export function installConv2d(): void {
  setGradient({
    kernelName: 'FusedConv2D',
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, [x, filter], attrs) => {
      const upstream = dy as Tensor;
      const { strides, pad } = attrs;
      const common = { strides, pad, dataFormat: 'NHWC' };
      return {
        x: () =>
          runKernel('Conv2DBackpropInput', { dy: upstream, filter }, { ...common, inputShape: x.shape }),
        filter: () =>
          runKernel('Conv2DBackpropFilter', { x, dy: upstream }, { ...common, filterShape: filter.shape }),
        bias: () => columnSum(upstream),
      };
    },
  });
  patchLayer<Conv2dLayer>('Conv2D', (layer, x) => {
    const isPlain = layer.dataFormat === 'channelsLast' && layer.dilationRate.every(rate => rate === 1);
    if (!isRecording() || !isPlain || x.rank !== 4) return undefined;
    const y = runKernel<Tensor>(
      'FusedConv2D',
      { x, filter: layer.kernel.read(), bias: layer.bias?.read() },
      {
        strides: layer.strides,
        pad: layer.padding,
        dataFormat: 'NHWC',
        dilations: [1, 1],
        activation: 'linear',
        leakyreluAlpha: 0,
      },
    );
    return layer.activation ? layer.activation.apply(y) : y;
  });
}
