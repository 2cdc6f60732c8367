/**
 * The packed format: a whole split in one file with its own index. Integers are little-endian.
 *
 *     byte 0      8         12              16              16 + H      A
 *     | "gradring" | version | header length | JSON header    | zeros   |
 *     |            | uint32  | uint32 H      | utf-8, H bytes | up to A | A = 16 + H, rounded up to 8
 *
 *     byte A                     A + 8(n + 1)     offsets[0] = A + 8(n + 1) + 4n     offsets[n]
 *     | offsets uint64[n + 1]    | labels int32[n] | record 0 | record 1 | …          | end of file
 *
 * Record i is bytes offsets[i] … offsets[i + 1] of the file: an image file of any format (encoding `image`) or
 * its pixels, uint8 HWC (encoding `raw`). n is the header's `count`.
 */
import { readSync } from 'node:fs';
import { z } from 'zod';
import { DatasetError } from '../../errors.js';
import { fits, kernels } from '../decode/decode.js';

export const MAGIC = 'gradring';
export const VERSION = 1;
/** Bytes before the JSON header. */
export const PREAMBLE = 16;
const VERSION_AT = 8;
const HEADER_LENGTH_AT = 12;
/** Guards against reading gigabytes for a header when the length is damaged. */
const MAX_HEADER = 1 << 20;
const side = z.int().min(1).max(65_535);

const headerSchema = z.object({
  count: z.int().min(1),
  classes: z.array(z.string()).min(1),
  /** [height, width, channels] */
  imageShape: z.tuple([side, side, z.union([z.literal(1), z.literal(3)])]),
  encoding: z.enum(['image', 'raw']),
  /** How images of another size are brought to `imageShape`. Absent: they are refused. */
  resize: z
    .object({ fit: z.enum(fits), kernel: z.enum(kernels), autoOrient: z.boolean().optional() })
    .optional(),
  /** Where the data come from, and under which licence: for people. */
  source: z.string(),
  licence: z.string(),
});
export type PackHeader = z.infer<typeof headerSchema>;

/** Byte positions of the parts that follow the header. */
export interface PackLayout {
  readonly offsetsAt: number;
  readonly labelsAt: number;
  readonly payloadAt: number;
}

export function packLayout(headerLength: number, count: number): PackLayout {
  const offsetsAt = Math.ceil((PREAMBLE + headerLength) / 8) * 8;
  const labelsAt = offsetsAt + 8 * (count + 1);
  return { offsetsAt, labelsAt, payloadAt: labelsAt + 4 * count };
}

/** Magic, version, header and the zeros after it: everything up to the index. */
export function encodePackHead(header: PackHeader): Buffer {
  const json = Buffer.from(JSON.stringify(headerSchema.parse(header)));
  const head = Buffer.alloc(packLayout(json.length, header.count).offsetsAt);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(VERSION, VERSION_AT);
  head.writeUInt32LE(json.length, HEADER_LENGTH_AT);
  json.copy(head, PREAMBLE);
  return head;
}

/** What a pack says of itself, checked. @throws DatasetError naming the file, and the row where it is one's fault */
export function readPackHead(
  descriptor: number,
  file: string,
  size: number,
): { header: PackHeader; layout: PackLayout } {
  const preamble = readExactly(descriptor, 0, Math.min(PREAMBLE, size));
  if (preamble.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged(file, 'it is no gradring pack');
  if (size < PREAMBLE) throw damaged(file, 'it ends within its header');
  const version = preamble.readUInt32LE(VERSION_AT);
  if (version !== VERSION) throw damaged(file, `it has version ${version}, this is version ${VERSION}`);
  const length = preamble.readUInt32LE(HEADER_LENGTH_AT);
  if (length > MAX_HEADER) throw damaged(file, `its header says it is ${length} bytes long`);
  if (PREAMBLE + length > size) throw damaged(file, 'it ends within its header');
  const header = parseHeader(readExactly(descriptor, PREAMBLE, length).toString('utf8'), file);
  const layout = packLayout(length, header.count);
  if (layout.payloadAt > size) throw damaged(file, `it ends within the index of its ${header.count} records`);
  return { header, layout };
}

function parseHeader(json: string, file: string): PackHeader {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw damaged(file, 'its header is no JSON', cause);
  }
  const parsed = headerSchema.safeParse(value);
  if (!parsed.success) throw damaged(file, `its header is wrong: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Reads `length` bytes at `position`, which the caller knows to be there. */
export function readExactly(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, bytes, done, length - done, position + done);
    if (count === 0) throw new Error('the file got shorter while it was read');
    done += count;
  }
  return bytes;
}

export function damaged(file: string, reason: string, cause?: unknown): DatasetError {
  return new DatasetError(`${file} is not usable: ${reason}`, {
    where: file,
    hint: 'write the pack again from its source; a copy that was cut short looks like this',
    cause,
  });
}
