/** Comparisons, logic, and selection by condition. */
import { binaryFamily } from './binary.js';
import type { TorchKernels } from './kernel.js';
import { unaryFamily } from './unary.js';

export const compareKernels: TorchKernels = {
  ...unaryFamily({
    IsFinite: 'isFinite',
    IsInf: 'isInf',
    IsNan: 'isNaN',
    LogicalNot: 'logicalNot',
  }),
  ...binaryFamily({
    Equal: 'equal',
    Greater: 'greater',
    GreaterEqual: 'greaterEqual',
    Less: 'less',
    LessEqual: 'lessEqual',
    LogicalAnd: 'logicalAnd',
    LogicalOr: 'logicalOr',
    NotEqual: 'notEqual',
  }),
  Select: ({ condition, t, e }, _attrs, backend) => backend.run('select', [condition, t, e]),
};
