/** JPEGs by libjpeg-turbo: sharp's pixels, or sharp's own. */
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import t from 'tap';
import { fits, kernels, type Resize } from '../../../src/data/decode/decode.js';
import { decodeJpeg, decodesJpegs } from '../../../src/data/decode/jpeg-decoder.js';
import { parseJpeg } from '../../../src/data/decode/jpeg-file.js';
import { decoderOf, openDecoder } from '../../../src/data/decode/open-decoder.js';
import { sharpDecoder } from '../../../src/data/decode/sharp-decoder.js';
import { imageAddon } from '../../../src/data/image-addon.js';
import { Purpose, Random } from '../../../src/random.js';
import { GuardedTarget, judge } from './corpus.js';

const skip = !decodesJpegs() && 'the image decoders were not built with libjpeg-turbo (npm run build:native)';

const random = new Random({ seed: 7, purpose: Purpose.noise });

/** Waves and noise, `channels` samples a pixel. */
function picture(width: number, height: number, channels: 1 | 3): Sharp {
  const pixels = Buffer.from(
    Array.from({ length: width * height * channels }, (_, i) => {
      const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
      return 100 + 90 * Math.sin(x / 7 + (i % channels)) * Math.cos(y / 9) + random.below(40);
    }),
  );
  return sharp(pixels, { raw: { width, height, channels } });
}

const kinds: Readonly<Record<string, JpegOptions>> = {
  '4:2:0': { quality: 85 },
  '4:4:4': { quality: 95, chromaSubsampling: '4:4:4' },
  progressive: { progressive: true },
  'of low quality': { quality: 5 },
  "with mozjpeg's tricks": { mozjpeg: true },
};

async function isSharps(
  file: Buffer,
  shape: readonly [number, number, 1 | 3],
  resize?: Resize,
): Promise<boolean> {
  const [ours, sharps] = [0, 0].map(() => new GuardedTarget(shape[0] * shape[1] * shape[2]));
  await openDecoder(shape, resize)(file, ours.pixels);
  await sharpDecoder(shape, resize)(file, sharps.pixels);
  return ours.intact && Buffer.from(ours.pixels).equals(sharps.pixels);
}

t.test('whole images, of all kinds and odd sizes', { skip }, async t => {
  for (const [kind, options] of Object.entries(kinds)) {
    for (const [height, width] of [
      [1, 1],
      [16, 16],
      [33, 57],
      [64, 50],
    ]) {
      for (const own of [1, 3] as const) {
        const file = await picture(width, height, own)
          .toColourspace(own === 1 ? 'b-w' : 'srgb')
          .jpeg(options)
          .toBuffer();
        const name = `${kind}, ${height}x${width}x${own}`;
        t.equal(parseJpeg(file)?.samples, own, name);
        t.equal(decoderOf(file, [height, width, own]), 'libjpeg-turbo', name);
        for (const channels of [1, 3] as const) {
          t.ok(await isSharps(file, [height, width, channels]), `${name} to ${channels}`);
        }
      }
    }
  }
});

t.test('brought to another size: decoded at the part that sharp would take', { skip }, async t => {
  // Below, at and above where the part changes; sides that are no whole number of parts.
  const sizes = [
    [40, 40],
    [81, 60],
    [100, 121],
    [167, 200],
    [181, 360],
    [375, 500],
    [20, 700],
  ];
  for (const [height, width] of sizes) {
    const own = width === 200 ? 1 : 3;
    const file = await picture(width, height, own)
      .toColourspace(own === 1 ? 'b-w' : 'srgb')
      .jpeg()
      .toBuffer();
    for (const fit of fits) {
      for (const kernel of kernels) {
        for (const channels of [1, 3] as const) {
          const same = await isSharps(file, [20, 40, channels], { fit, kernel });
          t.ok(same, `${height}x${width}x${own} to 20x40x${channels}, ${fit}, ${kernel}`);
        }
      }
    }
  }
});

t.test('kinds that are left to sharp', async t => {
  const image = picture(40, 30, 3);
  const cmyk = await image.clone().toColourspace('cmyk').jpeg().toBuffer();
  const profiled = await image.clone().withIccProfile('p3').jpeg().toBuffer();
  const turned = await image
    .clone()
    .withExif({ IFD0: { Orientation: '6' } })
    .jpeg()
    .toBuffer();
  const plain = await image.clone().jpeg().toBuffer();
  t.equal(parseJpeg(cmyk), undefined, 'four colours');
  t.equal(parseJpeg(profiled), undefined, 'a colour profile');
  t.match(parseJpeg(turned), { hasExif: true });
  t.match(parseJpeg(plain), { width: 40, height: 30, samples: 3, hasExif: false });
  const resize = { fit: 'fill', kernel: 'linear' } as const;
  t.equal(decoderOf(turned, [20, 20, 3], { ...resize, autoOrient: true }), 'sharp');
  for (const file of [cmyk, profiled, turned, plain]) {
    t.ok(await isSharps(file, [30, 40, 3]));
    for (const autoOrient of [true, false])
      t.ok(await isSharps(file, [20, 20, 3], { ...resize, autoOrient }));
  }
});

t.test('damaged files: sharp’s pixels or none, and never a byte elsewhere', { skip }, async t => {
  const [height, width] = [24, 40];
  const originals = await Promise.all(
    Object.values(kinds).map(options => picture(width, height, 3).jpeg(options).toBuffer()),
  );
  let accepted = 0;
  const faults: string[] = [];
  for (let i = 0; i < 1500; i++) {
    const original = originals[i % originals.length];
    const file = Buffer.from(i % 3 === 0 ? original.subarray(0, random.below(original.length)) : original);
    if (i % 3 > 0)
      for (let flips = 1 + random.below(3); flips > 0; flips--)
        file[random.below(file.length)] ^= 1 << random.below(8);
    const jpeg = parseJpeg(file);
    if (jpeg === undefined || jpeg.width !== width || jpeg.height !== height) continue;
    const target = new GuardedTarget(height * width * 3);
    const done = decodeJpeg(file, jpeg, target.pixels, 3);
    if (!target.intact || (!done && !target.untouched))
      faults.push(`mutant ${i} is written where it should not be`);
    if (!done) continue;
    accepted++;
    const expected = await judge(file, 3);
    if (expected instanceof Error || !Buffer.from(expected).equals(target.pixels))
      faults.push(
        `mutant ${i} is not sharp's: ${expected instanceof Error ? expected.message : ''}\n${file.toString('base64')}`,
      );
  }
  t.same(faults.slice(0, 3), [], `${faults.length} faults`);
  t.ok(accepted > 100, `${accepted} were sound after all`);
});

t.test('an image of another size, and calls that make no sense', { skip }, async t => {
  const file = await picture(24, 24, 3).jpeg().toBuffer();
  const target = new GuardedTarget(24 * 25 * 3);
  await t.rejects(async () => openDecoder([24, 25, 3])(file, target.pixels), {
    name: 'ShapeMismatch',
    message: "it is 24x24 with 3 channel(s), the dataset's images are 24x25 with 3",
  });
  const { decodeJpeg: decode, unpackPng } = imageAddon();
  t.notOk(decode?.(file, 3, 8, 8, 3, target.pixels), 'a third');
  t.notOk(decode?.(file, 0, 24, 24, 3, target.pixels), 'no part');
  t.notOk(decode?.(file, 1, 24, 24, 3, target.pixels.subarray(1000)), 'no room');
  t.notOk(decode?.(file, 1, 24, 24, 1, target.pixels), 'other samples');
  t.notOk(decode?.(file.subarray(0, 0), 1, 24, 24, 3, target.pixels), 'no file');
  t.notOk(unpackPng?.(file, 8, 8, 3, target.pixels), 'rows of parts of pixels');
  t.notOk(unpackPng?.(file, 2 ** 31, 2 ** 31, 1, target.pixels), 'more than there is room for');
  t.ok(target.untouched);
});
