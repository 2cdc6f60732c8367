/** Arithmetic of two tensors, with broadcasting. */
import type { TorchKernels } from './kernel.js';

/** One kernel of the inputs `a` and `b` for each operation of the addon, by the kernel's name. */
export const binaryFamily = (operations: Readonly<Record<string, string>>): TorchKernels =>
  Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      ({ a, b }, _attrs, backend) => backend.run(operation, [a, b]),
    ]),
  );

export const binaryKernels: TorchKernels = {
  ...binaryFamily({
    Add: 'add',
    Atan2: 'atan2',
    BitwiseAnd: 'bitwiseAnd',
    FloorDiv: 'floorDivide',
    Maximum: 'maximum',
    Minimum: 'minimum',
    Mod: 'mod',
    Multiply: 'multiply',
    Pow: 'pow',
    RealDiv: 'divide',
    SquaredDifference: 'squaredDifference',
    Sub: 'subtract',
  }),
  // The undefined one ends the list.
  AddN: (inputs, _attrs, backend) => backend.run('addN', [...Object.values(inputs), undefined]),
};
