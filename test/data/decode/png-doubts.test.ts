/** Files that a PNG decoder may be of two minds about, one by one. */
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import { decoderOf, openDecoder } from '../../../src/data/decode/open-decoder.js';
import { parsePng } from '../../../src/data/decode/png-file.js';
import { GuardedTarget, judge, pngChunk, pngOf } from './corpus.js';

const SIDE = 24;
const pixels = Buffer.from(Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * i + 7 * i) % 251));

/** Rows without a filter. */
function rowsOf(bytes: Buffer, rowBytes: number): Buffer {
  const rows = Array.from({ length: bytes.length / rowBytes }, (_, y) => [
    Buffer.of(0),
    bytes.subarray(y * rowBytes, (y + 1) * rowBytes),
  ]);
  return Buffer.concat(rows.flat());
}

const rows = rowsOf(pixels, SIDE * 3);
const stream = deflateSync(rows);
const idat = pngChunk('IDAT', stream);
const text = pngChunk('tEXt', Buffer.from('Comment\0of no account'));
const rgb = (...chunks: Uint8Array[]): Buffer => pngOf(SIDE, SIDE, 2, ...chunks);
const places = deflateSync(
  rowsOf(Buffer.from(pixels.subarray(0, SIDE * SIDE).map(value => value % 9)), SIDE),
);
const coloured = (...chunks: Uint8Array[]): Buffer =>
  pngOf(SIDE, SIDE, 3, ...chunks, pngChunk('IDAT', places));

/** The stream with a window of 256 bytes declared, though it looks back further. */
function withSmallWindow(): Buffer {
  const repeated = Buffer.concat([rows.subarray(0, 73 * 12), rows.subarray(0, 73 * 12)]);
  const small = Buffer.from(deflateSync(repeated, { level: 9 }));
  small[0] = 8;
  small[1] = 31 - ((small[0] * 256) % 31);
  return small;
}

const wrongSum = Buffer.from(stream);
wrongSum[wrongSum.length - 1] ^= 1;
const whole = rgb(idat);

/** What they are, and whether the fast decoder takes them. */
const files: Readonly<Record<string, readonly [file: Buffer, fast: boolean]>> = {
  plain: [whole, true],
  'with bytes after its end': [Buffer.concat([whole, Buffer.from('trailing')]), true],
  'without an end': [whole.subarray(0, -12), false],
  'cut within its data': [whole.subarray(0, -20), false],
  'with text between its data': [
    rgb(pngChunk('IDAT', stream.subarray(0, 50)), text, pngChunk('IDAT', stream.subarray(50))),
    false,
  ],
  'with a wrong sum of its stream': [rgb(pngChunk('IDAT', wrongSum)), true],
  'with more bytes in its chunk than in its stream': [
    rgb(pngChunk('IDAT', Buffer.concat([stream, Buffer.from('more')]))),
    true,
  ],
  'with too many rows': [rgb(pngChunk('IDAT', deflateSync(Buffer.concat([rows, rows])))), true],
  'with too few rows': [rgb(pngChunk('IDAT', deflateSync(rows.subarray(73)))), true],
  'with a window too small': [rgb(pngChunk('IDAT', withSmallWindow())), false],
  'with a suggested palette': [rgb(pngChunk('PLTE', pixels.subarray(0, 30)), idat), false],
  'with a palette': [coloured(pngChunk('PLTE', pixels.subarray(30, 57))), true],
  'with a palette too short': [coloured(pngChunk('PLTE', pixels.subarray(0, 15))), true],
  'with two palettes': [
    coloured(pngChunk('PLTE', pixels.subarray(0, 27)), pngChunk('PLTE', pixels.subarray(0, 27))),
    false,
  ],
  'without the palette': [coloured(), false],
  'with a critical chunk of no standard': [rgb(pngChunk('ABCD'), idat), false],
  'with 100 KB of text': [rgb(pngChunk('tEXt', Buffer.alloc(100_000, 'a')), idat), false],
};

for (const [name, [file, fast]] of Object.entries(files)) {
  t.test(`a PNG ${name}`, async t => {
    t.equal(parsePng(file) !== undefined, fast);
    const expected = await judge(file, 3);
    const target = new GuardedTarget(SIDE * SIDE * 3);
    const outcome = await openDecoder([SIDE, SIDE, 3])(file, target.pixels)?.then(
      () => undefined,
      (error: unknown) => error,
    );
    t.ok(target.intact);
    if (expected instanceof Error) {
      t.equal((outcome as Error | undefined)?.message, expected.message, 'refused for sharp’s reason');
      t.ok(target.untouched);
    } else t.same(target.pixels, expected);
  });
}

t.test('a colour profile is applied, by sharp', async t => {
  const image = sharp(pixels, { raw: { height: SIDE, width: SIDE, channels: 3 } });
  const file = await image.withIccProfile('p3').png().toBuffer();
  t.equal(decoderOf(file, [SIDE, SIDE, 3]), 'sharp');
  const tagged = Buffer.concat([
    whole.subarray(0, 33),
    file.subarray(
      file.indexOf('iCCP') - 4,
      file.indexOf('iCCP') + 8 + file.readUInt32BE(file.indexOf('iCCP') - 4),
    ),
    whole.subarray(33),
  ]);
  const target = new GuardedTarget(SIDE * SIDE * 3);
  await openDecoder([SIDE, SIDE, 3])(tagged, target.pixels);
  t.same(target.pixels, await judge(tagged, 3));
  t.notSame(target.pixels, new Uint8Array(pixels));
});

t.test('an image of another size', async t => {
  for (const shape of [
    [SIDE, SIDE + 1, 3],
    [SIDE - 1, SIDE, 3],
    [12, 48, 3],
  ] as const) {
    const target = new GuardedTarget(shape[0] * shape[1] * 3);
    await t.rejects(async () => openDecoder(shape)(whole, target.pixels), {
      name: 'ShapeMismatch',
      message: `it is 24x24 with 3 channel(s), the dataset's images are ${shape[0]}x${shape[1]} with 3`,
    });
    t.ok(target.untouched);
  }
});
