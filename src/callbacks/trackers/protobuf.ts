/**
 * As much of Protocol Buffers' encoding as an event file needs. Each function gives one field, key and value;
 * a message is the concatenation of its fields. Source: protobuf.dev/programming-guides/encoding.
 */

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Base-128, the lowest seven bits first. @param value whole, 0 … 2⁵³ − 1 */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const key = (field: number, type: keyof typeof wireTypes): number[] => varint(field * 8 + wireTypes[type]);

export const intField = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...key(field, 'varint'), ...varint(value)]);

export function doubleField(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Uint8Array.from(key(field, 'fixed64')), bytes]);
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([Uint8Array.from(key(field, 'fixed32')), bytes]);
}

/** Bytes, a string in UTF-8, or the fields of a message inside. */
export function bytesField(field: number, value: string | Uint8Array | readonly Uint8Array[]): Uint8Array {
  const parts = typeof value === 'string' ? [Buffer.from(value)] : [value].flat();
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.from([...key(field, 'bytes'), ...varint(length)]), ...parts]);
}

/** A packed `repeated double`. */
export function doublesField(field: number, values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => {
    bytes.writeDoubleLE(value, index * 8);
  });
  return bytesField(field, bytes);
}
