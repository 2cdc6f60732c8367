/** Checkpoints: the safetensors decoder, the JSON description, and both files together. */
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckpointInfo, parseInfo } from '../../../src/checkpoint/checkpoint.js';
import { readCheckpointFiles } from '../../../src/checkpoint/read-files.js';
import {
  decodeTensors,
  encodeTensors,
  type StoredTensor,
  type TensorFile,
} from '../../../src/checkpoint/safetensors.js';
import type { FuzzTarget, OpenTarget, Seed } from '../target.js';

const info: CheckpointInfo = {
  format: 'gradring-checkpoint',
  version: 1,
  position: { epoch: 2, phase: 'train', batch: 7 },
  globalStep: 41,
  nEpochs: 5,
  loaders: { train: 2, valid: null },
  parameters: ['dense/kernel', 'dense/bias'],
  buffers: ['norm/mean'],
  optimizer: {
    kind: 'adamw',
    groups: [
      {
        parameters: ['dense/kernel', 'dense/bias'],
        initial: { lr: 0.01, betas: [0.9, 0.999] },
        settings: { lr: 0.005 },
        steps: 41,
      },
    ],
    moments: ['m', 'v'],
  },
  gradients: false,
  average: true,
  callbacks: { metrics: [{ epoch: 1, loss: 0.5 }], early: { best: null } },
  metrics: { loss: 0.5, accuracy: 0.9 },
  run: { config: { lr: 0.01 } },
  created: '2026-01-01T00:00:00.000Z',
};

const tensorsOf = (entries: Record<string, StoredTensor>): ReadonlyMap<string, StoredTensor> =>
  new Map(Object.entries(entries));

const files: readonly TensorFile[] = [
  {
    tensors: tensorsOf({
      'dense/kernel': { dtype: 'F32', shape: [3, 4], data: new Float32Array(12).fill(0.5) },
      'dense/bias': { dtype: 'F32', shape: [4], data: new Float32Array(4) },
      'norm/mean': { dtype: 'F32', shape: [4], data: new Float32Array(4) },
    }),
    metadata: { format: 'gradring-checkpoint' },
  },
  {
    tensors: tensorsOf({
      wide: { dtype: 'F64', shape: [2], data: new Float64Array([1, Number.NaN]) },
      whole: { dtype: 'I64', shape: [1, 1, 3], data: new BigInt64Array(3) },
      half: { dtype: 'BF16', shape: [5], data: new Uint16Array(5) },
      flags: { dtype: 'BOOL', shape: [7], data: new Uint8Array(7) },
      scalar: { dtype: 'I8', shape: [], data: new Int8Array(1) },
      none: { dtype: 'F32', shape: [0, 3], data: new Float32Array() },
    }),
    metadata: {},
  },
];

function bytesOf(file: TensorFile): Buffer {
  return Buffer.concat(encodeTensors(file));
}

function tensorSeed(file: TensorFile): Seed {
  const bytes = bytesOf(file);
  const lengthField = { at: 0, width: 8 } as const;
  const json = { start: 8, length: Number(bytes.readBigUInt64LE()), lengthField };
  return { bytes, fields: [lengthField], json };
}

/** What a decoded file promises to whoever uses its tensors. */
function checkTensors(tensors: ReadonlyMap<string, StoredTensor>, size: number): void {
  let bytes = 0;
  for (const [name, { shape, data }] of tensors) {
    const values = shape.reduce((product, side) => product * side, 1);
    // Not `equal`: a shape may have a side of −0, and then there are −0 values.
    assert.ok(data.length === values, `${name} has as many values as its shape`);
    bytes += data.byteLength;
  }
  assert.ok(bytes + 8 <= size, `${bytes} bytes of tensors are in a file of ${size}`);
}

const safetensors: FuzzTarget = {
  name: 'safetensors',
  count: 100_000,
  async open(): Promise<OpenTarget> {
    return {
      seeds: files.map(tensorSeed),
      tokens: ['"', '{', '}', '"dtype"', '[0,8]', '9007199254740993', '\\u0000'],
      read(input) {
        const { tensors, metadata } = decodeTensors(input, 'fuzzed.safetensors');
        checkTensors(tensors, input.length);
        // What was read can be written, and is then the same.
        const again = decodeTensors(bytesOf({ tensors, metadata }), 'written again');
        assert.deepEqual([...again.tensors.keys()].sort(), [...tensors.keys()].sort());
      },
    };
  },
};

const description: FuzzTarget = {
  name: 'checkpoint JSON',
  count: 100_000,
  async open(): Promise<OpenTarget> {
    const bytes = Buffer.from(JSON.stringify(info));
    const plain = Buffer.from(JSON.stringify({ ...info, optimizer: null, metrics: null }));
    return {
      seeds: [bytes, plain].map(bytes => ({ bytes, json: { start: 0, length: bytes.length } })),
      jsonOnly: true,
      read(input) {
        const { position, parameters } = parseInfo(JSON.parse(Buffer.from(input).toString()), 'fuzzed.json');
        assert.ok(Number.isInteger(position.batch) && position.batch >= 0);
        assert.ok(parameters.every(name => typeof name === 'string'));
      },
    };
  },
};

/** Both files as one input: length of the JSON (uint32), JSON, tensors. */
function joined(json: Uint8Array, tensors: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, tensors]);
}

function parted(input: Buffer): [json: Buffer, tensors: Buffer] {
  const end = 4 + Math.min(input.length >= 4 ? input.readUInt32LE() : 0, Math.max(0, input.length - 4));
  return [input.subarray(4, end), input.subarray(end)];
}

/** Gives the tensors. */
function writeFiles(name: string, input: Uint8Array): Uint8Array {
  const [json, tensors] = parted(Buffer.from(input));
  writeFileSync(`${name}.json`, json);
  writeFileSync(`${name}.safetensors`, tensors);
  return tensors;
}

/** Size and SHA-256 of the tensors as they are, where the JSON can still be read. */
function resealed(input: Buffer): Buffer {
  const [json, tensors] = parted(input);
  try {
    const value = JSON.parse(json.toString());
    value.tensors = sealOf(tensors);
    return joined(Buffer.from(JSON.stringify(value)), tensors);
  } catch {
    return input;
  }
}

const sealOf = (tensors: Uint8Array): Record<string, unknown> => ({
  bytes: tensors.length,
  sha256: createHash('sha256').update(tensors).digest('hex'),
});

function jointSeed(file: TensorFile): Seed {
  const tensors = bytesOf(file);
  const json = Buffer.from(JSON.stringify({ ...info, tensors: sealOf(tensors) }));
  const lengthField = { at: 0, width: 4 } as const;
  const fields = [lengthField, { at: 4 + json.length, width: 8 } as const];
  return { bytes: joined(json, tensors), fields, json: { start: 4, length: json.length, lengthField } };
}

const together: FuzzTarget = {
  name: 'checkpoint files',
  count: 5_000,
  async open(folder): Promise<OpenTarget> {
    const name = join(folder, 'fuzzed');
    const seeds = files.map(jointSeed);
    // A sound one beside it, which is offered where the fuzzed one is refused.
    writeFiles(join(folder, 'good'), seeds[0].bytes);
    return {
      seeds,
      repair: resealed,
      async read(input) {
        const tensors = writeFiles(name, input);
        const read = await readCheckpointFiles(name);
        checkTensors(read.tensors, tensors.length);
      },
    };
  },
};

export const checkpointTargets: readonly FuzzTarget[] = [safetensors, description, together];
