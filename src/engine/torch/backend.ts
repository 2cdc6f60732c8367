/** The tfjs backend `torch`: tensors are handles of the addon, kernels are its operations. */
import type {
  BackendTimingInfo,
  BackendValues,
  DataId,
  DataType,
  MemoryInfo,
  TensorInfo,
  TypedArray,
} from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import type { Addon } from './addon.js';
import { arrayOf, isNative, type NativeType, nativeTypes } from './dtypes.js';
import { type Attribute, NativeCalls } from './native-calls.js';

/** Name under which tfjs knows the backend. */
export const TORCH = 'torch';

interface TorchData {
  readonly dtype: DataType;
  readonly bytes: number;
  refCount: number;
  /** Of the addon's tensor. */
  readonly handle?: number;
  /** In its place: strings, or complex numbers as tfjs reads them, real and imaginary parts in turn. */
  readonly host?: BackendValues;
  /** Of a tensor that only stands for something of the addon's, which `free` lets go. */
  readonly ticket?: { readonly number: number; readonly free: () => void };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1);

export class TorchBackend extends tf.KernelBackend {
  readonly #calls: NativeCalls;
  readonly #data: InstanceType<typeof tf.DataStorage<TorchData>>;
  /** What native tensors are made over: it may not be collected while one of them lives. */
  readonly #wrapped = new Set<Float32Array>();
  #bytes = 0;

  constructor(addon: Addon, device: string) {
    super();
    this.#calls = new NativeCalls(addon, device, info => this.handleOf(info));
    this.#data = new tf.DataStorage(this, tf.engine());
  }

  /** Runs an operation of the addon that has one result. */
  run(
    operation: string,
    tensors: readonly (TensorInfo | undefined)[],
    ...attributes: Attribute[]
  ): TensorInfo {
    this.#calls.run(operation, tensors, attributes);
    return this.#result();
  }

  /** Runs an operation of the addon that has `count` results. */
  runAll(
    operation: string,
    count: number,
    tensors: readonly (TensorInfo | undefined)[],
    ...attributes: Attribute[]
  ): TensorInfo[] {
    this.#calls.run(operation, tensors, attributes);
    return Array.from({ length: count }, () => this.#result());
  }

  /** Runs an operation for what it does, with memory of JavaScript's own where it takes some. */
  runOn(
    operation: string,
    memory: readonly ArrayBufferView[],
    tensors: readonly (TensorInfo | undefined)[],
    ...attributes: Attribute[]
  ): void {
    this.#calls.run(operation, tensors, attributes, memory);
  }

  /** The next number that the last operation answered. */
  answer(): number {
    return this.#calls.nextNumber();
  }

  upload(values: TypedArray, shape: readonly number[], dtype: NativeType): TensorInfo {
    const array = arrayOf[dtype];
    const typed = values instanceof array ? values : array.from(values);
    this.#calls.run('upload', [], [nativeTypes.indexOf(dtype), shape], [typed]);
    return this.#result();
  }

  /** float32 tensor of the values 0 … 255 of `bytes`, which may be shared memory. */
  uploadBytes(bytes: Uint8Array, shape: readonly number[]): TensorInfo {
    this.#calls.run('uploadBytes', [], [shape], [bytes]);
    return this.#result();
  }

  /** A tensor [length] of `memory` itself, on a processor. The memory stays as long as the backend. */
  wrap(memory: Float32Array): TensorInfo {
    this.#wrapped.add(memory);
    this.#calls.run('wrap', [], [[memory.length]], [memory]);
    return this.#result();
  }

  /** Copies a tensor's values into `target`, of the tensor's dtype and size, shared memory or not. */
  readInto(tensor: TensorInfo, target: TypedArray): void {
    this.#calls.run('read', [tensor], [], [target]);
  }

  /** A tensor that shares the data of `tensor`, under another shape or dtype of the same width. */
  share(tensor: TensorInfo, shape: readonly number[] = tensor.shape): TensorInfo {
    this.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: [...shape], dtype: tensor.dtype };
  }

  /** An empty tensor that stands for something of the addon's; `free` is called when it is disposed. */
  ticket(free: () => void, number: number): TensorInfo {
    const dataId = {};
    this.#data.set(dataId, { dtype: 'int32', bytes: 0, refCount: 1, ticket: { number, free } });
    return { dataId, shape: [0], dtype: 'int32' };
  }

  /** The number a ticket was made with. */
  ticketNumber(dataId: DataId): number {
    return this.#data.get(dataId).ticket!.number;
  }

  disposeIntermediateTensorInfo({ dataId }: TensorInfo): void {
    this.disposeData(dataId);
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: DataId,
    values: BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    if (isNative(dtype)) {
      const typed = (values ?? new arrayOf[dtype](sizeOf(shape))) as TypedArray;
      const { dataId: uploaded } = this.upload(typed, shape, dtype);
      const data = this.#data.get(uploaded);
      this.#data.delete(uploaded);
      this.#data.set(dataId, { ...data, refCount });
    } else {
      this.#data.set(dataId, { dtype, bytes: 0, refCount, host: values ?? [] });
    }
  }

  override readSync(dataId: DataId): BackendValues {
    const { dtype, handle, host, bytes } = this.#data.get(dataId);
    if (host) return host;
    const array = arrayOf[dtype as NativeType];
    const values = new array(bytes / array.BYTES_PER_ELEMENT);
    this.#calls.readWhole(handle!, values);
    return values;
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override refCount(dataId: DataId): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.#data.get(dataId).refCount++;
  }

  decRef(dataId: DataId): void {
    if (this.#data.has(dataId)) this.#data.get(dataId).refCount--;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const data = this.#data.get(dataId);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    this.#data.delete(dataId);
    this.#bytes -= data.bytes;
    if (data.handle !== undefined) this.#calls.dispose(data.handle);
    data.ticket?.free();
    return true;
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override memory(): Omit<MemoryInfo, 'reasons'> & { unreliable: boolean } {
    return { numTensors: 0, numDataBuffers: this.numDataIds(), numBytes: this.#bytes, unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override async time(run: () => void): Promise<BackendTimingInfo> {
    this.#calls.run('synchronize', [], []);
    const start = performance.now();
    run();
    this.#calls.run('synchronize', [], []);
    return { kernelMs: performance.now() - start };
  }

  /** Frees every tensor; the backend is unusable afterwards. */
  override dispose(): void {
    this.#calls.run('clear', [], []);
  }

  /** The addon's number of a tensor. */
  handleOf({ dataId, dtype }: TensorInfo): number {
    const { handle } = this.#data.get(dataId);
    if (handle === undefined) throw new Error(`${dtype} tensors have no native operations`);
    return handle;
  }

  #result(): TensorInfo {
    const { handle, dtype, shape } = this.#calls.nextTensor();
    const dataId = {};
    const bytes = sizeOf(shape) * arrayOf[dtype].BYTES_PER_ELEMENT;
    this.#data.set(dataId, { dtype, bytes, refCount: 1, handle });
    this.#bytes += bytes;
    return { dataId, shape, dtype };
  }
}
