import { crc32, deflateSync, inflateSync } from 'node:zlib';
import t from 'tap';
import { decodeNative, nativeImages } from '../../../src/data/decode/native-decoder.js';
import { decoderOf, openDecoder } from '../../../src/data/decode/open-decoder.js';
import { placeable } from '../../../src/data/decode/place-pixels.js';
import {
  decodePng,
  unpackCompiled,
  unpackPlain,
  unpacksCompiled,
} from '../../../src/data/decode/png-decoder.js';
import { type PngFile, parsePng } from '../../../src/data/decode/png-file.js';
import { GuardedTarget, judge, readCorpus } from './corpus.js';

const MUTANTS = 5000;
/** Of them, so many go through the whole chain, sharp included. */
const WHOLE = 250;

let state = 20_261_121;
/** A whole number below `bound`, the same ones at every run. Source: mulberry32 by Tommy Ettinger. */
function random(bound: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
}

interface Original {
  readonly png: Buffer;
  readonly shape: readonly [height: number, width: number, channels: 1 | 3];
}

const originals: readonly Original[] = readCorpus()
  .filter(({ png }) => parsePng(png) !== undefined)
  .map(({ png, shape }) => ({ png, shape }));

interface Mutant {
  readonly png: Buffer;
  /** Whether the damage is beneath correct CRCs, as no disk and no network damages a file. */
  readonly forged: boolean;
}

/** Where chunks start. */
function chunksOf(png: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 8; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) starts.push(at);
  return starts;
}

/** Corrects the CRC of every chunk. */
function repaired(png: Buffer): Buffer {
  for (const at of chunksOf(png)) {
    const end = at + 8 + png.readUInt32BE(at);
    if (end + 4 <= png.length) png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end);
  }
  return png;
}

/** The file with other rows, filter types included, in a zlib stream and chunk that are sound. */
function withRows(png: Buffer, change: (rows: Buffer) => Buffer): Buffer {
  const first = chunksOf(png).find(at => png.toString('latin1', at + 4, at + 8) === 'IDAT') ?? 8;
  const stream = deflateSync(
    change(inflateSync(Buffer.concat((parsePng(png) as PngFile).parts as Uint8Array[]))),
  );
  const chunk = Buffer.alloc(12 + stream.length);
  chunk.writeUInt32BE(stream.length);
  chunk.write('IDAT', 4);
  stream.copy(chunk, 8);
  return repaired(Buffer.concat([png.subarray(0, first), chunk, png.subarray(png.length - 12)]));
}

const flipBit = (bytes: Buffer): void => {
  bytes[random(bytes.length)] ^= 1 << random(8);
};

const mutations: readonly ((png: Buffer) => Mutant)[] = [
  png => {
    for (let flips = 1 + random(3); flips > 0; flips--) flipBit(png);
    return { png, forged: false };
  },
  png => ({ png: png.subarray(0, random(png.length)), forged: false }),
  png => {
    const { png: other } = originals[random(originals.length)];
    return {
      png: Buffer.concat([png.subarray(0, random(png.length)), other.subarray(random(other.length))]),
      forged: false,
    };
  },
  png => {
    // A chunk twice, left out, or elsewhere.
    const starts = chunksOf(png);
    const [from, to] = [starts[random(starts.length)], starts[random(starts.length)]];
    const chunk = png.subarray(from, from + 12 + png.readUInt32BE(from));
    const without = Buffer.concat([png.subarray(0, from), png.subarray(from + chunk.length)]);
    const rest = [png, without][random(2)];
    const whole = [without, Buffer.concat([rest.subarray(0, to), chunk, rest.subarray(to)])][random(2)];
    return { png: whole, forged: true };
  },
  png => {
    // Width, height, depth, colour type, methods.
    png[8 + 8 + 3 + random(10)] = random(20);
    return { png: repaired(png), forged: true };
  },
  png => {
    flipBit(png.subarray(8));
    return { png: repaired(png), forged: true };
  },
  png => {
    const rows = (bytes: Buffer): Buffer => {
      flipBit(bytes);
      return [bytes, bytes, bytes.subarray(0, bytes.length - 1), Buffer.concat([bytes, bytes])][random(4)];
    };
    return { png: withRows(png, rows), forged: true };
  },
];

type Shape = Original['shape'];

const faults: string[] = [];

type FastDecoder = (file: Buffer, png: PngFile, target: Uint8Array, channels: number) => unknown;

const fastDecoders: Readonly<Record<string, FastDecoder | undefined>> = {
  TypeScript: (_, png, target, channels) => decodePng(png, target, channels, unpackPlain),
  libdeflate: unpacksCompiled()
    ? (_, png, target, channels) => decodePng(png, target, channels, unpackCompiled)
    : undefined,
  '@napi-rs/image': nativeImages() && decodeNative,
};

/** The fast decoders by themselves: what they accept is sharp's, and what they refuse they have not begun. */
async function tryFast({ png, forged }: Mutant, [height, width, own]: Shape): Promise<number> {
  const channels = own === 3 ? 3 : ([1, 3] as const)[random(2)];
  const file = parsePng(png);
  // The chain asks them for nothing else either.
  if (file === undefined || file.height !== height || file.width !== width) return 0;
  if (!placeable(file.palette === undefined ? file.samples : 3, channels)) return 0;
  const expected = await judge(png, channels);
  let accepted = 0;
  for (const [name, decode] of Object.entries(fastDecoders)) {
    // It overlooks zlib's checksum, so forged files are not held against it.
    if (decode === undefined || (decode === decodeNative && forged)) continue;
    const target = new GuardedTarget(height * width * channels);
    const refused = decode(png, file, target.pixels, channels) === false;
    if (refused && !target.untouched) faults.push(`${name}: refused, and yet written`);
    if (refused) continue;
    accepted++;
    if (!target.intact) faults.push(`${name}: written beside the target`);
    if (!Buffer.from(expected instanceof Error ? '' : expected).equals(target.pixels)) {
      faults.push(`${name}: not what sharp makes of it`);
    }
  }
  return accepted;
}

/** The decoder that a loader uses. */
async function tryWhole({ png, forged }: Mutant, shape: Shape): Promise<void> {
  if (forged && decoderOf(png, shape) === '@napi-rs/image') return;
  const target = new GuardedTarget(shape[0] * shape[1] * shape[2]);
  let refused = false;
  try {
    await openDecoder(shape)(png, target.pixels);
  } catch {
    refused = true;
  }
  if (refused && !target.untouched) faults.push('the chain refused, and yet wrote');
  if (refused) return;
  if (!target.intact) faults.push('the chain wrote beside the target');
  const expected = await judge(png, shape[2]);
  if (!Buffer.from(expected instanceof Error ? '' : expected).equals(target.pixels)) {
    faults.push('the chain: not what sharp makes of it');
  }
}

t.test('damaged files: sharp’s pixels or none, and never a byte elsewhere', async t => {
  let accepted = 0;
  const found: string[] = [];
  for (let i = 0; i < MUTANTS; i++) {
    const { png: original, shape } = originals[random(originals.length)];
    const mutant = mutations[i % mutations.length](Buffer.from(original));
    accepted += await tryFast(mutant, shape);
    if (i % (MUTANTS / WHOLE) === 0) await tryWhole(mutant, shape);
    const file = mutant.png.toString('base64');
    for (const fault of faults.splice(0)) found.push(`mutant ${i} as ${shape.join('x')}: ${fault}\n${file}`);
  }
  t.same(found.slice(0, 5), [], `${found.length} faults`);
  t.ok(accepted > 100, `${accepted} of ${MUTANTS} were sound after all`);
});
