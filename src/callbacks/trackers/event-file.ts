/**
 * TensorBoard's event file: records of the TFRecord format, each an `Event` message.
 *
 *     uint64le length │ uint32le mask(crc32c(those 8 bytes)) │ payload │ uint32le mask(crc32c(payload))
 *
 * Sources: tensorflow/core/lib/io/record_writer.h for the frame; event.proto and summary.proto of TensorBoard for
 * the field numbers below.
 */
import { bytesField, doubleField, doublesField, floatField, intField } from './protobuf.js';

/** CRC-32C (Castagnoli), reflected; not zlib's CRC-32, which has another polynomial. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const mask = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

/** One record around a payload. */
export function record(payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(payload.length + 16);
  bytes.writeBigUInt64LE(BigInt(payload.length), 0);
  bytes.writeUInt32LE(mask(crc32c(bytes.subarray(0, 8))), 8);
  bytes.set(payload, 12);
  bytes.writeUInt32LE(mask(crc32c(payload)), 12 + payload.length);
  return bytes;
}

/** `Event`: 1 wall_time, 2 step, 3 file_version, 5 summary. As every proto3 writer, leaves a step of 0 out. */
const event = (wallTime: number, step: number, what: Uint8Array): Uint8Array =>
  Buffer.concat([doubleField(1, wallTime), ...(step === 0 ? [] : [intField(2, step)]), what]);

/** The record that a file begins with. @param wallTime seconds since 1970 */
export const versionEvent = (wallTime: number): Uint8Array =>
  record(event(wallTime, 0, bytesField(3, 'brain.Event:2')));

/** A record of `Summary.Value`s, made by the functions below. */
export const summaryEvent = (wallTime: number, step: number, values: readonly Uint8Array[]): Uint8Array =>
  record(event(wallTime, step, bytesField(5, values)));

/** `Summary.Value`, itself field 1 of the summary: 1 tag, then what it holds. */
const summaryValue = (tag: string, ...what: readonly Uint8Array[]): Uint8Array =>
  bytesField(1, [bytesField(1, tag), ...what]);

/** 2 simple_value, float32. */
export const scalarValue = (tag: string, value: number): Uint8Array =>
  summaryValue(tag, floatField(2, value));

/** 4 image: 1 height, 2 width, 3 colorspace (3: RGB), 4 encoded_image_string. */
export const imageValue = (tag: string, png: Uint8Array, width: number, height: number): Uint8Array =>
  summaryValue(
    tag,
    bytesField(4, [intField(1, height), intField(2, width), intField(3, 3), bytesField(4, png)]),
  );

/**
 * 8 tensor: 1 dtype (7: string), 2 shape, absent for a scalar, 8 string_val; 9 metadata: 1 plugin_data: 1
 * plugin_name. The message of an empty shape is written, as TensorBoard's own writer does.
 */
export const textValue = (tag: string, text: string): Uint8Array =>
  summaryValue(
    tag,
    bytesField(8, [intField(1, 7), bytesField(2, []), bytesField(8, text)]),
    bytesField(9, bytesField(1, bytesField(1, 'text'))),
  );

export interface Histogram {
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Upper edge of each bin. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
}

/** 5 histo: 1 min, 2 max, 3 num, 4 sum, 5 sum_squares, 6 bucket_limit, 7 bucket. */
export const histogramValue = (tag: string, histogram: Histogram): Uint8Array => {
  const { min, max, count, sum, sumOfSquares, limits, counts } = histogram;
  const numbers = [min, max, count, sum, sumOfSquares].map((value, index) => [index + 1, value] as const);
  return summaryValue(
    tag,
    bytesField(5, [
      ...numbers.filter(([, value]) => value !== 0).map(([field, value]) => doubleField(field, value)),
      doublesField(6, limits),
      doublesField(7, counts),
    ]),
  );
};
