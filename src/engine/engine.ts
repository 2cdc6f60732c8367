/**
 * The Engine contract: a TensorFlow.js backend opened on one chosen device, in one thread. A replica sees its
 * device only through this.
 */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ImageShape } from '../protocol/batch.js';
import type { EngineSettings } from '../protocol/engine-settings.js';
import type { FlatMath } from './flat-math.js';
import type { Tf } from './tf.js';

export type EngineName = 'torch' | 'wasm' | 'cpu' | 'tensorflow';

export interface DeviceInfo {
  /** Such as `wasm:0`, `cpu:1`, `cuda:0`. */
  readonly id: string;
  /** What it is, for people: a processor's or a GPU's name. */
  readonly description: string;
  readonly isGpu: boolean;
  /** Of a GPU, where the driver tells. */
  readonly memoryMiB?: number;
  readonly driver?: string;
}

/**
 * All trainable parameters of a model in one float32 buffer, each `tf.Variable` a view of its part (or kept
 * equal to it, where the backend cannot make views).
 */
export interface FlatParameters {
  readonly length: number;
  /**
   * The buffer itself, in host memory. Ask again after any tensor was made: memory may have moved.
   * After writing to it call `changed()`.
   */
  values(): Float32Array;
  /** Makes what was written to `values()` visible to the model: caches of packed weights are dropped. */
  changed(): void;
  /** Frees the buffer. The model's variables are unusable afterwards. */
  dispose(): void;
}

/** A model prepared by an engine that joins layers: the same function of its input, and of its weights. */
export interface CompiledModel {
  /** How many of the model's layers were joined. */
  readonly layers: { readonly fused: number; readonly all: number };
  /** With `training`, moving statistics are updated where they lie, in tensors that share their memory too. */
  apply(x: Tensor, options: { readonly training: boolean }): Tensor;
  /** Frees its activations; the model itself stays. */
  dispose(): void;
}

export interface Engine {
  readonly name: EngineName;
  /** The device it really runs on. */
  readonly device: string;
  /** TensorFlow.js with this engine's backend active. */
  readonly tf: Tf;
  /** float32 tensor [count, height, width, channels] of the values 0 … 255 of `pixels` (uint8, any memory). */
  upload(pixels: Uint8Array, count: number, shape: ImageShape): Tensor4D;
  /** Copies a float32 tensor into `target` (same length, any memory, shared too) without other copies. */
  readInto(tensor: Tensor, target: Float32Array): void;
  /**
   * Many float32 tensors at once, their values one after the other in `target` or `source`; writing replaces values
   * where they lie. Absent where a backend cannot.
   */
  readonly bulk?: {
    read(tensors: readonly Tensor[], target: Float32Array): void;
    write(tensors: readonly Tensor[], source: Float32Array): void;
  };
  /**
   * Prepares host memory for fast copies to and from the device, until the function returned is called. Absent where
   * there is nothing to prepare.
   */
  pin?(memory: ArrayBufferView): () => void;
  /** Moves `variables`, in this order, into one flat buffer; their values are kept. */
  flatParameters(variables: readonly FlatVariable[]): FlatParameters;
  /** Loops over host memory: optimizer steps, sums. */
  readonly flatMath: FlatMath;
  /** Joins the layers of `model` where it can; absent, or undefined, where there is nothing to gain. */
  compile?(model: LayersModel): CompiledModel | undefined;
  memory(): { tensors: number; bytes: number };
  close(): void;
}

/** What a `tf.LayerVariable` offers that flattening needs. */
export interface FlatVariable {
  readonly name: string;
  readonly shape: readonly (number | null)[];
  read(): Tensor;
  /** Puts `tensor` in the place of the value and takes it over: the caller does not dispose it. */
  bind(tensor: Tensor): void;
}

export interface EngineFactory {
  readonly name: EngineName;
  /** Whether it can be opened on this machine, and if not, why and what to do. */
  available(): Promise<{ ok: true; version: string } | { ok: false; reason: string; hint: string }>;
  devices(): Promise<readonly DeviceInfo[]>;
  /** Whether it computes in another way than the default settings, where asked to. */
  readonly hasSettings: boolean;
  /** @throws EngineError, DeviceError */
  open(device: string, settings: EngineSettings): Promise<Engine>;
}
