/** Conv2DBackpropFilter, which tfjs's wasm backend lacks: outer products of padded input and upstream gradient. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Kernel } from '../../kernel-registration.js';
import { addressOf, type WasmBackend } from '../backend.js';
import { simdLoops } from '../simd/module.js';
import { addOuterProducts, blockBytes, minPixels, type PixelWalk } from '../simd/outer-products.js';
import { type ConvGeometry, convGeometry, padRowsAndColumns } from './conv-geometry.js';

export const conv2dFilterGradient: Kernel<WasmBackend> = ({ x, dy }, attrs, backend) => {
  const filterShape = attrs.filterShape as [number, number, number, number];
  const geometry = convGeometry(x.shape, filterShape, attrs);
  const out = backend.makeOutput(filterShape, 'float32');
  const padded = padRowsAndColumns(backend, x, geometry);
  backend.typedArrayFromHeap(out).fill(0);
  accumulate(backend, padded, dy, out, geometry);
  if (padded !== x) backend.disposeData(padded.dataId);
  return out;
};

function accumulate(
  backend: WasmBackend,
  x: TensorInfo,
  dy: TensorInfo,
  out: TensorInfo,
  { filterHeight, filterWidth, inChannels, outChannels, outHeight, outWidth, stride, batch }: ConvGeometry,
): void {
  const [xAddress, dyAddress, outAddress] = [x, dy, out].map(tensor => addressOf(backend, tensor));
  const [, xHeight, xWidth] = x.shape;
  const pixel = inChannels * 4;
  const xRow = xWidth * pixel;
  const xSample = xHeight * xRow;
  const dySample = outHeight * outWidth * outChannels * 4;
  const walk: Omit<PixelWalk, 'samples'> = {
    height: outHeight,
    width: outWidth,
    xStep: stride.width * pixel,
    xRowSkip: stride.height * xRow - outWidth * stride.width * pixel,
    xSampleSkip: xSample - outHeight * stride.height * xRow,
    dyStep: outChannels * 4,
  };
  const rows = filterWidth * inChannels;
  const block = Math.max(
    Math.floor(blockBytes / (xSample + dySample)),
    Math.ceil(minPixels / (outHeight * outWidth)),
  );
  const loops = simdLoops(backend);
  for (let sample = 0; sample < batch; sample += block) {
    const samples = Math.min(block, batch - sample);
    for (let filterRow = 0; filterRow < filterHeight; filterRow++) {
      addOuterProducts(
        loops,
        [
          xAddress + sample * xSample + filterRow * xRow,
          dyAddress + sample * dySample,
          outAddress + filterRow * rows * outChannels * 4,
        ],
        [rows, outChannels],
        { samples, ...walk },
      );
    }
  }
}
