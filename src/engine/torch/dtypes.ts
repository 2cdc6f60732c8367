import type { DataType } from '@tensorflow/tfjs-core';

/** dtypes that the addon stores, in the order of its codes (native/call.h). */
export const nativeTypes = ['float32', 'int32', 'bool'] as const;
export type NativeType = (typeof nativeTypes)[number];

/** How tfjs holds their values in JavaScript. */
export const arrayOf = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export const isNative = (dtype: DataType): dtype is NativeType =>
  (nativeTypes as readonly string[]).includes(dtype);
