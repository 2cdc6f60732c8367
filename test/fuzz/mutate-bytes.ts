/** Changes of bytes: of single ones, of blocks, and of the integers that say how long something is. */
import type { Random } from '../../src/random.js';
import type { Field, Seed } from './target.js';

/** What a change may draw on. */
export interface Material {
  readonly random: Random;
  /** Of the seed that is changed. */
  readonly fields: readonly Field[];
  /** Another valid input. */
  readonly other: Uint8Array;
  readonly tokens: readonly string[];
}

type Change = (bytes: Buffer, material: Material) => Buffer;

const edges = [0, 1, 9, 10, 13, 32, 34, 44, 91, 123, 127, 128, 254, 255];

const flipBit: Change = (bytes, { random }) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return bytes;
};

const setByte: Change = (bytes, { random }) => {
  if (bytes.length > 0) {
    const at = random.below(bytes.length);
    bytes[at] = random.below(2) === 0 ? edges[random.below(edges.length)] : random.below(256);
  }
  return bytes;
};

const truncate: Change = (bytes, { random }) => bytes.subarray(0, random.below(bytes.length + 1));

/** A block of the bytes, short ones more often than long ones. */
function block(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1);
  const most = random.below(4) === 0 ? bytes.length : Math.min(bytes.length, 16);
  return bytes.subarray(start, start + random.below(most + 1));
}

const insert = (bytes: Buffer, at: number, added: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);

const removeBlock: Change = (bytes, { random }) => {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))]);
};

const duplicateBlock: Change = (bytes, { random }) =>
  insert(bytes, random.below(bytes.length + 1), block(bytes, random));

const insertNoise: Change = (bytes, { random }) => {
  const added = Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256)));
  return insert(bytes, random.below(bytes.length + 1), added);
};

const overwriteBlock: Change = (bytes, { random }) => {
  const from = Buffer.from(block(bytes, random));
  from.copy(bytes, random.below(bytes.length + 1));
  return bytes;
};

/** The beginning of one input, the end of another. */
const splice: Change = (bytes, { random, other }) =>
  Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);

const insertToken: Change = (bytes, material) => {
  const { random, tokens } = material;
  if (tokens.length === 0) return setByte(bytes, material);
  return insert(bytes, random.below(bytes.length + 1), Buffer.from(tokens[random.below(tokens.length)]));
};

/** A length, count or offset becomes one that cannot be, or is off by little. */
const editField: Change = (bytes, { random, fields }) => {
  const width = ([1, 2, 4, 8] as const)[random.below(4)];
  const anywhere = { at: random.below(bytes.length + 1), width, bigEndian: random.below(2) === 0 };
  const field = fields.length > 0 && random.below(4) > 0 ? fields[random.below(fields.length)] : anywhere;
  if (field.at + field.width > bytes.length) return bytes;
  const value = readField(bytes, field);
  const bits = BigInt(8 * field.width);
  const candidates = [
    0n,
    1n,
    value + 1n,
    value - 1n,
    value + BigInt(1 + random.below(64)),
    value - BigInt(1 + random.below(64)),
    value * 2n,
    value << 32n,
    BigInt(bytes.length),
    BigInt(bytes.length + 1),
    (1n << (bits - 1n)) - 1n,
    1n << (bits - 1n),
    (1n << bits) - 1n,
    1n << 53n,
    1n << BigInt(random.below(64)),
  ];
  writeField(bytes, field, candidates[random.below(candidates.length)]);
  return bytes;
};

export function readField(bytes: Buffer, { at, width, bigEndian }: Field): bigint {
  const part = Buffer.from(bytes.subarray(at, at + width));
  if (!bigEndian) part.reverse();
  return BigInt(`0x${part.toString('hex')}`);
}

/** Its lowest bits, where it does not fit. */
export function writeField(bytes: Buffer, { at, width, bigEndian }: Field, value: bigint): void {
  const text = BigInt.asUintN(8 * width, value).toString(16);
  const part = Buffer.from(text.padStart(2 * width, '0'), 'hex');
  if (!bigEndian) part.reverse();
  part.copy(bytes, at);
}

const changes: readonly Change[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  truncate,
  removeBlock,
  duplicateBlock,
  insertNoise,
  overwriteBlock,
  splice,
  insertToken,
  insertToken,
  editField,
  editField,
  editField,
];

/** Longest input, as a multiple of its seed: repeated duplication would outgrow every other change. */
const GROWTH = 8;

/** `bytes` with one change, with two in half of all cases, three in a quarter … Writes over `bytes`. */
export function mutateBytes(bytes: Buffer, seed: Seed, material: Material): Buffer {
  const { random } = material;
  let changed = bytes;
  do changed = changes[random.below(changes.length)](changed, material);
  while (random.below(2) === 0 && changed.length < GROWTH * seed.bytes.length + 4096);
  return changed;
}
