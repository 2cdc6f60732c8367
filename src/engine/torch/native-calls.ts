/** Writing the arguments of a call into the addon's frame, and reading its results (layout: native/call.h). */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { EngineError, OutOfMemoryError } from '../../errors.js';
import type { Addon } from './addon.js';
import { type NativeType, nativeTypes } from './dtypes.js';

export type Attribute = number | boolean | readonly number[];

export interface NativeTensor {
  readonly handle: number;
  readonly dtype: NativeType;
  readonly shape: number[];
}

export class NativeCalls {
  readonly #addon: Addon;
  readonly #device: string;
  readonly #handleOf: (tensor: TensorInfo) => number;
  #read = 0;

  constructor(addon: Addon, device: string, handleOf: (tensor: TensorInfo) => number) {
    this.#addon = addon;
    this.#device = device;
    this.#handleOf = handleOf;
  }

  /** @throws EngineError, OutOfMemoryError */
  run(
    operation: string,
    tensors: readonly (TensorInfo | undefined)[],
    attributes: readonly Attribute[],
    memory: readonly ArrayBufferView[] = [],
  ): void {
    let end = 0;
    for (const tensor of tensors) end = this.#writeTensor(end, tensor);
    for (const attribute of attributes) end = this.#writeAttribute(end, attribute);
    this.#read = 0;
    try {
      this.#addon.operations[operation](...memory);
    } catch (cause) {
      throw this.#typed(cause as Error & { code?: string }, operation, tensors);
    }
  }

  nextNumber(): number {
    return this.#addon.frame[this.#read++];
  }

  nextTensor(): NativeTensor {
    const handle = this.nextNumber();
    const dtype = nativeTypes[this.nextNumber()];
    const rank = this.nextNumber();
    const shape = Array.from({ length: rank }, () => this.nextNumber());
    return { handle, dtype, shape };
  }

  /** Copies a tensor's values in its own shape, whatever shapes share them. */
  readWhole(handle: number, target: ArrayBufferView): void {
    this.#addon.frame[0] = handle;
    this.#addon.operations.readWhole(target);
  }

  dispose(handle: number): void {
    this.#addon.frame[0] = handle;
    this.#addon.operations.dispose();
  }

  #writeTensor(at: number, tensor: TensorInfo | undefined): number {
    const { frame } = this.#addon;
    if (!tensor) {
      frame[at] = -1;
      frame[at + 1] = 0;
      return at + 2;
    }
    frame[at] = this.#handleOf(tensor);
    return this.#writeList(at + 1, tensor.shape);
  }

  #writeAttribute(at: number, attribute: Attribute): number {
    if (typeof attribute === 'object') return this.#writeList(at, attribute);
    this.#addon.frame[at] = Number(attribute);
    return at + 1;
  }

  #writeList(at: number, list: readonly number[]): number {
    const { frame } = this.#addon;
    if (at + list.length >= frame.length) {
      throw new EngineError(
        `A call with ${list.length} values in one list is too long for the torch engine.`,
        {
          hint: 'Pass the values as a tensor.',
        },
      );
    }
    frame[at] = list.length;
    for (let i = 0; i < list.length; i++) frame[at + 1 + i] = list[i];
    return at + 1 + list.length;
  }

  #typed(
    cause: Error & { code?: string },
    operation: string,
    tensors: readonly (TensorInfo | undefined)[],
  ): Error {
    if (!(operation in this.#addon.operations)) {
      return new EngineError(`The addon has no operation ${operation}.`, {
        hint: 'It was built from other sources than this package: npm run build:native.',
        cause,
      });
    }
    const shapes = tensors.map(tensor => (tensor ? `${tensor.dtype} [${tensor.shape}]` : 'none')).join(', ');
    const where = `${operation}(${shapes}) on ${this.#device}`;
    if (cause.code === 'ERR_OUT_OF_MEMORY') {
      return new OutOfMemoryError(`${this.#device} has no memory left: ${cause.message}`, {
        where,
        hint: 'Use a smaller batch, more replicas, or --precision bf16.',
        cause,
      });
    }
    if (cause.code !== 'ERR_OPERATION') return cause;
    return new EngineError(`The operation ${operation} failed: ${cause.message}`, {
      where,
      hint: 'Check the shapes and dtypes of its inputs.',
      cause,
    });
  }
}
