/** Kernels through host copies, on a backend that has no other ones and keeps its tensors in host memory. */
import { type BackendValues, type DataId, type DataType, KernelBackend } from '@tensorflow/tfjs-core';
import { test } from 'tap';
import { tf } from '../../src/engine/tf.js';
import { isHostCall, registerFallbacks } from '../../src/engine/torch/fallback.js';

/** The least that tfjs asks of a backend. It keeps copies: an array that two tensors shared would show. */
class Copies extends KernelBackend {
  readonly #data = new Map<DataId, { values: BackendValues; count: number }>();

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: DataId,
    values: BackendValues,
    _shape: number[],
    _dtype: DataType,
    count: number,
  ): void {
    this.#data.set(dataId, { values: values.slice(), count });
  }

  override readSync(dataId: DataId): BackendValues {
    return this.#data.get(dataId)!.values;
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId): boolean {
    const data = this.#data.get(dataId);
    if (data && --data.count > 0) return false;
    this.#data.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.#data.get(dataId)?.count ?? 0;
  }

  override incRef(dataId: DataId): void {
    this.#data.get(dataId)!.count++;
  }

  override numDataIds(): number {
    return this.#data.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}
}

const warned: string[] = [];
tf.registerBackend('copies', () => new Copies());
registerFallbacks('copies', new Set(['Relu']), name => warned.push(name));
await tf.setBackend('copies');

test('a list of inputs, several results, a reduced rank', async t => {
  const [a, b] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 4]])];
  t.same(tf.concat([a, b]).arraySync(), [
    [1, 2],
    [3, 4],
  ]);
  t.same(
    tf.unstack(tf.concat([a, b])).map(row => row.arraySync()),
    [
      [1, 2],
      [3, 4],
    ],
  );
  t.equal(tf.sum(a).arraySync(), 3);
  t.equal(tf.sum(tf.tensor1d([], 'float32')).arraySync(), 0);
});

test('dtypes are kept', async t => {
  t.same(tf.greater(tf.tensor1d([1, 3]), 2).dataSync(), Uint8Array.of(0, 1));
  t.same(tf.cast(tf.tensor1d([1.5, -2.5]), 'int32').dataSync(), Int32Array.of(1, -2));
});

test('strings', async t => {
  const words = tf.tensor1d(['a', 'bb', 'ä']);
  t.same(tf.slice(words, 1).arraySync(), ['bb', 'ä']);
});

test('complex numbers', async t => {
  const z = tf.complex([1, 2], [3, 4]);
  t.same(tf.imag(tf.mul(z, z)).arraySync(), [6, 16]);
  t.same(tf.real(z).arraySync(), [1, 2]);
});

test('nothing is left behind', async t => {
  const held = tf.backend().numDataIds();
  tf.tidy(() => void tf.spectral.rfft(tf.tensor1d([1, 2, 3, 4])));
  t.equal(tf.backend().numDataIds(), held);
});

test('a kernel is named once, and never for what lives on the host', async t => {
  t.equal(new Set(warned).size, warned.length);
  t.ok(warned.includes('Concat'));
  t.notOk(warned.includes('Slice'), 'it ran on strings only');
});

test('a kernel that the backend has is left alone', async t => {
  t.equal(tf.getKernel('Relu', 'copies'), undefined);
});

test('the host takes what native code cannot', async t => {
  const info = (dtype: DataType) => ({ dataId: {}, shape: [1], dtype });
  t.notOk(isHostCall({ x: info('float32') }, { dtype: 'int32' }));
  t.ok(isHostCall({ x: info('string') }, {}));
  t.ok(isHostCall([info('float32'), info('complex64')] as never, {}), 'in a list');
  t.ok(isHostCall({}, { dtype: 'string' }), 'as a result');
});
