/** The weights of a checkpoint in the order of a model that runs, and what does not fit. */
import { CheckpointError } from '../errors.js';
import type { ParameterInfo } from '../protocol/optimizer.js';
import type { StoredTensor } from './safetensors.js';

export interface WeightReport {
  /** Weights of the model that the checkpoint has, in the same shape. */
  readonly taken: readonly string[];
  /** Weights of the model that it has not. */
  readonly missing: readonly string[];
  /** Weights that it has and the model has not. */
  readonly unexpected: readonly string[];
  /** In both, but in different shapes or not of 32 bits: told in words. */
  readonly mismatched: readonly string[];
}

type Tensors = ReadonlyMap<string, StoredTensor>;

const ofTraining = /^(optim|gradient|average)\//;

/** Compares the weights of a model with the tensors of a checkpoint. */
export function compareWeights(infos: readonly ParameterInfo[], tensors: Tensors): WeightReport {
  const names = new Set(infos.map(({ name }) => name));
  const found = infos.filter(({ name }) => tensors.has(name));
  const problems = new Map(found.map(info => [info.name, problemOf(info, tensors.get(info.name)!)]));
  return {
    taken: found.map(({ name }) => name).filter(name => problems.get(name) === undefined),
    missing: infos.map(({ name }) => name).filter(name => !tensors.has(name)),
    unexpected: [...tensors.keys()].filter(name => !names.has(name) && !ofTraining.test(name)),
    mismatched: [...problems.values()].filter(problem => problem !== undefined),
  };
}

function problemOf({ name, shape }: ParameterInfo, tensor: StoredTensor): string | undefined {
  const is = (wanted: readonly number[]): boolean => wanted.join() === tensor.shape.join();
  if (tensor.dtype !== 'F32') return `${name} is ${tensor.dtype}, not F32`;
  return is(shape) ? undefined : `${name} is [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`;
}

/** @throws CheckpointError listing all that does not fit, if anything does not */
export function requireAll({ missing, unexpected, mismatched }: WeightReport, where: string): void {
  const problems = [
    ...mismatched,
    ...missing.map(name => `${name} is missing`),
    ...unexpected.map(name => `${name} is not in the model`),
  ];
  if (problems.length === 0) return;
  throw new CheckpointError(`the checkpoint is of another model: ${problems.join('; ')}`, {
    where,
    hint: 'to take what fits: learn.load(path, { optimizer: false, strict: false })',
  });
}

/**
 * Tensors laid side by side as a flat buffer of the model.
 *
 * @param name of the tensor of a weight
 * @param flat what stays where there is no tensor of that shape
 * @throws CheckpointError where there is none and no `flat` either
 */
export function gather(
  infos: readonly ParameterInfo[],
  tensors: Tensors,
  name: (weight: string) => string = weight => weight,
  flat?: Float32Array,
): Float32Array {
  const length = infos.reduce((end, { offset, size }) => Math.max(end, offset + size), 0);
  const gathered = flat?.slice() ?? new Float32Array(length);
  for (const info of infos) {
    const tensor = tensors.get(name(info.name));
    const problem = tensor ? problemOf(info, tensor) : `tensor ${name(info.name)} is missing`;
    if (problem === undefined) gathered.set(tensor?.data as Float32Array, info.offset);
    else if (!flat) throw new CheckpointError(problem, { where: `tensor ${name(info.name)}` });
  }
  return gathered;
}
