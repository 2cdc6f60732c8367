/** Images made smaller by the addon: sharp's pixels to the last bit, or sharp's own. */
import sharp from 'sharp';
import t from 'tap';
import { fits, kernels, type Resize } from '../../../src/data/decode/decode.js';
import { reduceJpeg } from '../../../src/data/decode/jpeg-decoder.js';
import { parseJpeg } from '../../../src/data/decode/jpeg-file.js';
import { reducePng } from '../../../src/data/decode/png-decoder.js';
import { parsePng } from '../../../src/data/decode/png-file.js';
import { reductionOf } from '../../../src/data/decode/reduction.js';
import { sharpDecoder } from '../../../src/data/decode/sharp-decoder.js';
import { imageAddon, type Reduction } from '../../../src/data/image-addon.js';
import type { ImageShape } from '../../../src/protocol/batch.js';
import { Purpose, Random } from '../../../src/random.js';
import { GuardedTarget } from './corpus.js';

const addon = imageAddon();
const skip =
  !(addon.reducePng && addon.reduceJpeg) &&
  'the image addon was not built with both its libraries, or this processor has no AVX2 (npm run build:native)';

const random = new Random({ seed: 11, purpose: Purpose.noise });
const oneOf = <T>(values: readonly T[]): T => values[random.below(values.length)];

type Format = 'png' | 'jpeg';

/** Noise, of which every pixel matters. */
function noise(format: Format, width: number, height: number, channels: 1 | 3): Promise<Buffer> {
  const pixels = Buffer.allocUnsafe(width * height * channels);
  for (let i = 0; i < pixels.length; i++) pixels[i] = random.below(256);
  const image = sharp(pixels, { raw: { width, height, channels } }).toColourspace(
    channels === 1 ? 'b-w' : 'srgb',
  );
  return (format === 'png' ? image.png({ compressionLevel: 1 }) : image.jpeg()).toBuffer();
}

/** By the addon; false where it leaves it to others. */
function reduce(file: Buffer, shape: ImageShape, resize: Resize, target: Uint8Array): boolean {
  const png = parsePng(file);
  if (png !== undefined) return reducePng(png, shape, resize, target);
  const jpeg = parseJpeg(file);
  return jpeg !== undefined && reduceJpeg(file, jpeg, shape, resize, target);
}

/** Whether the addon did it; a fault where that is not what sharp does. */
async function compare(file: Buffer, shape: ImageShape, resize: Resize): Promise<boolean | string> {
  const [ours, sharps] = [0, 0].map(() => new GuardedTarget(shape[0] * shape[1] * shape[2]));
  if (!reduce(file, shape, resize, ours.pixels)) return ours.untouched ? false : 'refused, and yet written';
  await sharpDecoder(shape, resize)(file, sharps.pixels);
  if (!ours.intact) return 'written beside the target';
  const differing = ours.pixels.filter((value, i) => value !== sharps.pixels[i]).length;
  return differing === 0 || `${differing} of ${ours.pixels.length} bytes are others`;
}

t.test('images of any size to any smaller one', { skip }, async t => {
  // Multiples of 64 are where positions are ties, which rounding decides.
  const sides = [1, 7, 33, 64, 96, 128, 192, 320];
  const faults: string[] = [];
  let reduced = 0;
  for (let i = 0; i < 600; i++) {
    const [width, height] = [0, 0].map(() => 1 + random.below(i % 10 === 0 ? 900 : 400));
    const own = oneOf([1, 3, 3] as const);
    const format = oneOf(['png', 'png', 'jpeg'] as const);
    const [high, wide] = [0, 0].map(() => oneOf([oneOf(sides), 1 + random.below(200)]));
    const shape = [high, wide, own === 1 ? oneOf([1, 3] as const) : 3] as const;
    const resize = { fit: oneOf(fits), kernel: oneOf(kernels) };
    const outcome = await compare(await noise(format, width, height, own), shape, resize);
    if (outcome === true) reduced++;
    if (typeof outcome === 'string')
      faults.push(
        `${format} ${height}x${width}x${own} to ${shape.join('x')}, ${resize.fit}, ${resize.kernel}: ${outcome}`,
      );
  }
  t.same(faults, []);
  t.ok(reduced > 200, `${reduced} by the addon`);
});

t.test('where libvips goes about it in another way', { skip }, async t => {
  const cases: readonly [Format, number, number, number, number, Resize['fit']][] = [
    // Format, width, height; target's width and height.
    ['png', 377, 261, 320, 7, 'fill'], // Ties, in tiles: boxes of rows come first.
    ['jpeg', 663, 447, 320, 64, 'fill'],
    ['png', 663, 447, 192, 192, 'fill'], // Ties in both directions, in strips.
    ['png', 335, 663, 64, 320, 'fill'],
    ['png', 280, 339, 320, 320, 'contain'], // A tie in an image with padding.
    ['png', 28, 339, 107, 320, 'contain'],
    ['png', 400, 339, 320, 320, 'cover'], // A tie in one that is cut.
    ['png', 1300, 389, 192, 64, 'cover'], // Tiles that begin elsewhere than the image.
    ['png', 900, 389, 192, 64, 'contain'],
    ['png', 900, 40, 30, 30, 'cover'],
    ['png', 900, 900, 5, 4, 'fill'], // Large boxes, with parts of them at the edges.
    ['jpeg', 901, 700, 1, 1, 'fill'],
    ['png', 901, 3, 20, 3, 'fill'], // Narrower only, and lower only.
    ['png', 3, 901, 3, 20, 'fill'],
    ['png', 64, 90, 32, 45, 'fill'], // Exact halves.
    ['png', 1, 700, 20, 20, 'contain'], // No side becomes less than a pixel.
  ];
  for (const [format, width, height, wide, high, fit] of cases) {
    for (const channels of [1, 3] as const) {
      const file = await noise(format, width, height, channels);
      for (const kernel of ['linear', 'cubic', 'lanczos3'] as const) {
        const outcome = await compare(file, [high, wide, channels], { fit, kernel });
        t.equal(outcome, true, `${width}x${height} to ${wide}x${high}, ${channels}, ${fit}, ${kernel}`);
      }
    }
  }
});

t.test('what is left to sharp', { skip }, async t => {
  const grey = await noise('png', 40, 30, 1);
  const colour = await noise('png', 40, 30, 3);
  const alpha = await sharp(colour).ensureAlpha(0.5).png().toBuffer();
  const palette = await sharp(colour).png({ palette: true }).toBuffer();
  const resize = { fit: 'fill', kernel: 'linear' } as const;
  for (const [name, file, shape, how] of [
    ['enlarged', colour, [60, 50, 3], resize],
    ['enlarged in one direction', colour, [20, 50, 3], resize],
    ['to the nearest', colour, [20, 20, 3], { ...resize, kernel: 'nearest' }],
    ['colour to grey', colour, [20, 20, 1], resize],
    ['alpha, which others are weighed with', alpha, [20, 20, 3], resize],
    ['a palette', palette, [20, 20, 3], resize],
  ] as const)
    t.equal(await compare(file, shape, how), false, name);
  t.equal(await compare(grey, [20, 20, 3], resize), true, 'but not grey that is repeated');
});

t.test('damaged files, and calls that make no sense, write nothing', { skip }, async t => {
  const [png, jpeg] = [await noise('png', 50, 60, 3), await noise('jpeg', 50, 60, 3)];
  const stream = Buffer.concat((parsePng(png)?.parts ?? []) as Uint8Array[]);
  const target = new GuardedTarget(20 * 24 * 3);
  const resize = { fit: 'contain', kernel: 'cubic' } as const;
  const reduction = reductionOf({ width: 50, height: 60, samples: 3 }, [20, 24, 3], resize) as Reduction;
  const both = (png: Uint8Array, jpeg: Uint8Array, reduction: Reduction): unknown[] => [
    addon.reducePng?.(png, reduction, target.pixels),
    addon.reduceJpeg?.(jpeg, 1, 50, 60, reduction, target.pixels),
  ];
  for (const part of [0, 0.2, 0.5, 0.9])
    t.same(
      both(stream.subarray(0, stream.length * part), jpeg.subarray(0, jpeg.length * part), reduction),
      [false, false],
      `${part} of a file`,
    );
  for (const wrong of [
    { kernel: 3 },
    { samples: 2 },
    { samples: 4 },
    { width: 51 },
    { height: 61 },
    { width: 2 ** 30, height: 2 ** 30 },
    { across: 0.5 },
    { across: 51 },
    { down: Number.NaN },
    { down: Number.POSITIVE_INFINITY },
    { down: '2' },
    { targetWidth: 25 },
    { targetHeight: 2 ** 40 },
  ])
    t.same(
      both(stream, jpeg, { ...reduction, ...wrong } as Reduction),
      [false, false],
      JSON.stringify(wrong),
    );
  t.ok(target.untouched);
  t.same(both(stream, jpeg, reduction), [true, true], 'and yet they are sound');
});
