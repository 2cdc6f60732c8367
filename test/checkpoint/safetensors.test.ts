/** The file format: what is written can be read, by others too, and nothing that is not sound is believed. */
import t from 'tap';
import {
  alignedBytes,
  decodeTensors,
  encodeTensors,
  float32Tensor,
  type StoredTensor,
} from '../../src/checkpoint/safetensors.js';
import { CheckpointError } from '../../src/errors.js';
import { Purpose, Random } from '../../src/random.js';

/** A file as its specification has it, put together by hand. */
function fileOf(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return new Uint8Array(Buffer.concat([length, json, data]));
}

const one = (name: string, shape: number[], begin: number, end: number, dtype = 'F32') => ({
  [name]: { dtype, shape, data_offsets: [begin, end] },
});

const tensors = new Map<string, StoredTensor>([
  ['mask', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ['conv/kernel', float32Tensor(Float32Array.of(1, -2, 3.5, Number.NaN, 0, -0), [2, 3])],
  ['scalar', { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) }],
  ['nothing', float32Tensor(new Float32Array(0), [0, 7])],
  ['ids', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-5n) }],
  ['__proto__', float32Tensor(Float32Array.of(9), [1])],
]);

t.test('what is written is read, bit for bit, as views of the file', t => {
  const bytes = new Uint8Array(Buffer.concat(encodeTensors({ tensors, metadata: { by: 'me' } })));
  t.equal(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE() % 8n, 0n, 'the values are 8-aligned');
  const read = decodeTensors(bytes, 'x');
  t.same(read.metadata, { by: 'me' });
  t.same([...read.tensors.keys()].sort(), [...tensors.keys()].sort());
  for (const [name, { dtype, shape, data }] of tensors) {
    const found = read.tensors.get(name)!;
    t.same([found.dtype, found.shape], [dtype, shape], name);
    const bytesOf = ({ buffer, byteOffset, byteLength }: typeof data) =>
      Buffer.from(buffer, byteOffset, byteLength);
    t.ok(bytesOf(found.data).equals(bytesOf(data)), name);
    t.equal(found.data.buffer, bytes.buffer, `${name} is no copy`);
  }
  t.end();
});

t.test('files of others: a header of any length, tensors off their alignment', t => {
  const data = new Uint8Array([7, ...new Uint8Array(Float32Array.of(1.5, -1).buffer)]);
  const header = { ...one('a', [1], 0, 1, 'U8'), ...one('b', [2], 1, 9) };
  for (let pad = 0; pad < 8; pad++) {
    const bytes = fileOf(JSON.stringify(header) + ' '.repeat(pad), data);
    t.same([...decodeTensors(bytes, 'x').tensors.get('b')!.data], [1.5, -1]);
    const length = Number(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE());
    const placed = alignedBytes(bytes.length, length);
    t.equal((placed.byteOffset + 8 + length) % 8, 0);
  }
  t.end();
});

t.test('each fault is refused, and named', t => {
  const four = new Uint8Array(4);
  const huge = fileOf('{}');
  huge[7] = 0x7f;
  const cases: [string, Uint8Array, RegExp][] = [
    ['shorter than its length field', new Uint8Array(3), /3 bytes/],
    ['a header longer than the file', huge, /header should have/],
    ['no JSON', fileOf('{"a":'), /no JSON/],
    ['no object', fileOf('[]'), /no JSON object/],
    ['no utf-8', fileOf('{"a\xff": 1}'.replace('\xff', '\ufffd')), /"a.*by no object/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), /__metadata__/],
    ['unknown type', fileOf(one('w', [1], 0, 4, 'F31'), four), /"w".*F31/],
    ['type of the prototype', fileOf(one('w', [1], 0, 4, 'toString'), four), /"w".*toString/],
    ['negative shape', fileOf(one('w', [-1], 0, 4), four), /"w".*shape/],
    ['fractional shape', fileOf(one('w', [0.5], 0, 4), four), /"w".*shape/],
    ['shape larger than its bytes', fileOf(one('w', [2], 0, 4), four), /"w" has 4 bytes; F32 \[2\] needs 8/],
    ['a product beyond any number', fileOf(one('w', [2 ** 52, 2 ** 52, 2 ** 52], 0, 4), four), /"w"/],
    ['offsets backwards', fileOf(one('w', [1], 4, 0), four), /"w".*offsets/],
    ['offsets outside', fileOf(one('w', [2], 0, 8), four), /"w" ends at 8, but there are only 4/],
    [
      'an overlap',
      fileOf({ ...one('a', [2], 0, 8), ...one('b', [1], 4, 8) }, new Uint8Array(8)),
      /"b".*inside/,
    ],
    ['a hole', fileOf({ ...one('a', [1], 0, 4), ...one('b', [1], 8, 12) }, new Uint8Array(12)), /"b".*hole/],
    ['bytes of nobody', fileOf(one('w', [1], 0, 4), new Uint8Array(5)), /1 bytes belong to no tensor/],
  ];
  for (const [name, bytes, says] of cases) {
    t.throws(() => decodeTensors(bytes, 'file.safetensors'), { code: 'E_CHECKPOINT', message: says }, name);
  }
  t.throws(
    () => encodeTensors({ tensors: new Map([['w', float32Tensor(new Float32Array(3), [2])]]), metadata: {} }),
    /w has 3 values; F32 \[2\] needs 2/,
  );
  t.end();
});

t.test('thousands of spoilt files: a typed error or sound tensors, never anything else', t => {
  const good = Buffer.concat(encodeTensors({ tensors, metadata: {} }));
  const random = new Random({ seed: 5, purpose: Purpose.split });
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const bytes = new Uint8Array(good.subarray(0, random.below(4) ? good.length : random.below(good.length)));
    for (let change = random.below(4); change >= 0; change--)
      bytes[random.below(Math.max(1, Math.min(bytes.length, 400)))] = random.below(256);
    try {
      decodeTensors(bytes, 'x');
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      refused++;
    }
  }
  t.ok(refused > 2000, `${refused} were refused`);
  t.end();
});
