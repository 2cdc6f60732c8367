/**
 * Many strings in shared memory, so that a decode thread costs no copy of them:
 *
 *     text     utf-8 bytes of all strings, one after the other
 *     offsets  uint32[count + 1]: string i is text[offsets[i] … offsets[i + 1])
 */
export interface StringTable {
  readonly text: Uint8Array;
  readonly offsets: Uint32Array;
}

/** @param strings less than 4 GiB of utf-8 together */
export function stringTable(strings: readonly string[]): StringTable {
  const encoder = new TextEncoder();
  const encoded = strings.map(string => encoder.encode(string));
  const length = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
  const text = new Uint8Array(new SharedArrayBuffer(length));
  const offsets = new Uint32Array(
    new SharedArrayBuffer((strings.length + 1) * Uint32Array.BYTES_PER_ELEMENT),
  );
  for (const [row, bytes] of encoded.entries()) {
    text.set(bytes, offsets[row]);
    offsets[row + 1] = offsets[row] + bytes.length;
  }
  return { text, offsets };
}

export function stringAt({ text, offsets }: StringTable, row: number): string {
  // A copy, because TextDecoder and Buffer's own decoding refuse or race on shared memory.
  return Buffer.from(text.slice(offsets[row], offsets[row + 1])).toString('utf8');
}
