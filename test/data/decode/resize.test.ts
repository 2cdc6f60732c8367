import sharp from 'sharp';
import t from 'tap';
import { type ImageOptions, resizeOf, shapeOf } from '../../../src/data/decode/image-options.js';
import { nativePixels } from '../../../src/data/decode/native-decoder.js';
import { openDecoder } from '../../../src/data/decode/open-decoder.js';
import { parsePng } from '../../../src/data/decode/png-file.js';
import { sharpDecoder } from '../../../src/data/decode/sharp-decoder.js';
import { Purpose, Random } from '../../../src/random.js';
import { pngChunk, readCorpus } from './corpus.js';

/** 40 wide, 20 high: red at the left, green in the middle half, blue at the right. */
const flag = Buffer.from(
  Array.from({ length: 20 * 40 }, (_, i) => {
    const x = i % 40;
    return x < 10 ? [255, 0, 0] : x < 30 ? [0, 255, 0] : [0, 0, 255];
  }).flat(),
);
const flagImage = sharp(flag, { raw: { height: 20, width: 40, channels: 3 } });

async function decoded(file: Uint8Array, options: ImageOptions): Promise<Uint8Array> {
  const shape = await shapeOf(file, options);
  const target = new Uint8Array(shape[0] * shape[1] * shape[2]);
  await openDecoder(shape, resizeOf(options))(file, target);
  return target;
}

/** Colours of a row of `side` pixels, as letters. */
function rowOf(pixels: Uint8Array, side: number, row: number): string {
  return Array.from({ length: side }, (_, x) => {
    const [red, green, blue] = pixels.subarray(3 * (row * side + x));
    return red > 128 ? 'r' : green > 128 ? 'g' : blue > 128 ? 'b' : '.';
  }).join('');
}

t.test('fits: stretched, cut at the edges, padded with black', async t => {
  const file = await flagImage.clone().png().toBuffer();
  const side = 8;
  const rows = async (fit: ImageOptions['fit']): Promise<string[]> => {
    const pixels = await decoded(file, { imageSize: [side, side], fit, kernel: 'nearest' });
    return [0, 4].map(row => rowOf(pixels, side, row));
  };
  t.same(await rows(undefined), ['rrggggbb', 'rrggggbb']);
  t.same(await rows('fill'), ['rrggggbb', 'rrggggbb']);
  t.same(await rows('cover'), ['gggggggg', 'gggggggg']);
  t.same(await rows('contain'), ['........', 'rrggggbb']);
});

t.test('an image of the right size already is left as it is', async t => {
  for (const { png, shape, pixels, name } of readCorpus()) {
    for (const fit of ['fill', 'cover', 'contain'] as const) {
      const target = await decoded(png, { imageSize: [shape[0], shape[1]], fit, kernel: 'lanczos3' });
      t.ok(pixels.equals(target), `${name}, ${fit}`);
    }
  }
});

t.test('whoever decodes a large PNG, it is resized to the same pixels', async t => {
  const [width, height] = [64, 48];
  const noise = new Random({ seed: 1, purpose: Purpose.noise });
  const pixels = (channels: number): Buffer =>
    Buffer.from(Array.from({ length: width * height * channels }, () => noise.below(256)));
  const files = await Promise.all([
    ...([1, 2, 3, 4] as const).map(channels =>
      sharp(pixels(channels), { raw: { width, height, channels } }).png().toBuffer(),
    ),
    sharp(pixels(4), { raw: { width, height, channels: 4 } })
      .png({ palette: true, colours: 256 })
      .toBuffer(),
  ]);
  for (const [i, file] of files.entries()) {
    t.ok(nativePixels(file, parsePng(file)!), 'decoded by the native decoder');
    for (const channels of [1, 3] as const) {
      for (const fit of ['fill', 'cover', 'contain'] as const) {
        for (const kernel of ['nearest', 'linear', 'lanczos3'] as const) {
          const resize = { fit, kernel, autoOrient: false };
          const [ours, sharps] = [new Uint8Array(20 * 30 * channels), new Uint8Array(20 * 30 * channels)];
          await openDecoder([20, 30, channels], resize)(file, ours);
          await sharpDecoder([20, 30, channels], resize)(file, sharps);
          t.ok(Buffer.from(ours).equals(sharps), `file ${i}, ${channels} channels, ${fit}, ${kernel}`);
        }
      }
    }
  }
});

t.test('a large JPEG is decoded at a part of its size', async t => {
  // Single dark lines in white, which the two ways blur a little differently.
  const [height, width] = [768, 1024];
  const lines = Buffer.alloc(height * width, 255);
  for (let at = 0; at < lines.length; at += 5) lines[at] = 0;
  const file = await sharp(lines, { raw: { height, width, channels: 1 } })
    .jpeg({ quality: 95 })
    .toBuffer();
  const ours = await decoded(file, { imageSize: [224, 224], channels: 1 });
  const resized = (fastShrinkOnLoad: boolean): Promise<Buffer> =>
    sharp(file)
      .resize(224, 224, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad })
      .toColourspace('b-w')
      .raw()
      .toBuffer();
  const [atPart, atFull] = await Promise.all([resized(true), resized(false)]);
  t.ok(atPart.equals(ours));
  t.notOk(atFull.equals(ours));
  const difference = ours.reduce((sum, value, i) => sum + Math.abs(value - atFull[i]), 0) / ours.length;
  t.ok(difference < 3, `by ${difference} of 255 in the mean`);
});

t.test('EXIF orientation is applied where it is asked for', async t => {
  const file = await flagImage.clone().withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
  const options = { imageSize: [8, 8], kernel: 'nearest' } as const;
  t.equal(rowOf(await decoded(file, options), 8, 0), 'rrggggbb');
  const upright = await decoded(file, { ...options, autoOrient: true });
  t.equal(rowOf(upright, 8, 0), 'rrrrrrrr');
  t.equal(rowOf(upright, 8, 7), 'bbbbbbbb');
  const small = await flagImage.clone().resize(8, 8, { fit: 'fill' }).png().toBuffer();
  // Big-endian; one field, at byte 8: 0x0112, one number of 16 bits, 6.
  const exif = Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex');
  const png = Buffer.concat([small.subarray(0, 33), pngChunk('eXIf', exif), small.subarray(33)]);
  t.equal(rowOf(await decoded(png, { ...options, autoOrient: true }), 8, 0), 'rrrrrrrr', 'also of a PNG');
});

t.test('the shape of a dataset, by its first image', async t => {
  for (const { png, shape, name } of readCorpus()) t.same(await shapeOf(png, {}), shape, name);
  const jpeg = await flagImage.clone().jpeg().toBuffer();
  t.same(await shapeOf(jpeg, {}), [20, 40, 3]);
  t.same(await shapeOf(jpeg, { channels: 1 }), [20, 40, 1]);
  t.same(await shapeOf(jpeg, { imageSize: [5, 6] }), [5, 6, 3]);
  t.same(await shapeOf('no file at all', { imageSize: [5, 6], channels: 1 }), [5, 6, 1]);
  await t.rejects(shapeOf(Buffer.from('text'), {}, 'row 0 of it'), {
    code: 'E_SAMPLE',
    where: 'row 0 of it',
    message: /cannot decode row 0 of it: .*unsupported/,
  });
  await t.rejects(shapeOf('/nowhere/image.png', {}), { code: 'E_SAMPLE', message: /ENOENT/ });
});

t.test('options that cannot be', t => {
  t.equal(resizeOf({}), undefined);
  t.same(resizeOf({ imageSize: [4, 5] }), { fit: 'fill', kernel: 'linear' });
  for (const [options, where] of [
    [{ imageSize: [4, 0] }, 'imageSize'],
    [{ imageSize: [4.5, 4] }, 'imageSize'],
    [{ imageSize: [4, 4], fit: 'squeeze' as 'fill' }, 'fit'],
    [{ imageSize: [4, 4], kernel: 'cubist' as 'cubic' }, 'kernel'],
    [{ fit: 'cover' }, 'fit'],
    [{ kernel: 'cubic' }, 'kernel'],
    [{ autoOrient: true }, 'autoOrient'],
  ] as const) {
    t.throws(() => resizeOf(options), { code: 'E_CONFIG', where });
  }
  t.end();
});
