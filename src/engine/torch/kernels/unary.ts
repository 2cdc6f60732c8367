/** Functions of each element of a tensor. */
import { FusedKernel } from '../../fused-kernels.js';
import type { TorchKernels } from './kernel.js';

/** One kernel of an input `x` for each operation of the addon, by the kernel's name. */
export const unaryFamily = (operations: Readonly<Record<string, string>>): TorchKernels =>
  Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      ({ x }, _attrs, backend) => backend.run(operation, [x]),
    ]),
  );

export const unaryKernels: TorchKernels = {
  ...unaryFamily({
    Abs: 'abs',
    Acos: 'acos',
    Acosh: 'acosh',
    Asin: 'asin',
    Asinh: 'asinh',
    Atan: 'atan',
    Atanh: 'atanh',
    Ceil: 'ceil',
    Cos: 'cos',
    Cosh: 'cosh',
    Elu: 'elu',
    Erf: 'erf',
    Exp: 'exp',
    Expm1: 'expm1',
    Floor: 'floor',
    Log: 'log',
    Log1p: 'log1p',
    Neg: 'neg',
    Reciprocal: 'reciprocal',
    Relu: 'relu',
    Relu6: 'relu6',
    Round: 'round',
    Rsqrt: 'rsqrt',
    Selu: 'selu',
    Sigmoid: 'sigmoid',
    Sign: 'sign',
    Sin: 'sin',
    Sinh: 'sinh',
    Softplus: 'softplus',
    Sqrt: 'sqrt',
    Square: 'square',
    Tan: 'tan',
    Tanh: 'tanh',
  }),
  ClipByValue: ({ x }, { clipValueMin, clipValueMax }, backend) =>
    backend.run('clip', [x], clipValueMin as number, clipValueMax as number),
  EluGrad: ({ dy, y }, _attrs, backend) => backend.run('eluGrad', [dy, y]),
  LeakyRelu: ({ x }, { alpha }, backend) => backend.run('leakyRelu', [x], alpha as number),
  Prelu: ({ x, alpha }, _attrs, backend) => backend.run('prelu', [x, alpha]),
  Step: ({ x }, { alpha }, backend) => backend.run('step', [x], alpha as number),
  [FusedKernel.reluGrad]: ({ dy, y }, { slope }, backend) =>
    backend.run('reluGrad', [dy, y], slope as number),
};
