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
import { parsePng } from '../../../src/data/decode/png-file.js';
import { GuardedTarget, judge, readCorpus } from './corpus.js';

const corpus = readCorpus();

t.test('every kind of PNG comes out as sharp and Pillow read it', async t => {
  for (const { name, png, shape, pixels } of corpus) {
    const [height, width, own] = shape;
    for (const channels of [1, 3] as const) {
      const expected = await judge(png, channels);
      const target = new GuardedTarget(height * width * channels);
      await openDecoder([height, width, channels])(png, target.pixels);
      t.same(target.pixels, expected, `${name} to ${channels}: sharp's`);
      t.ok(target.intact, `${name}: nothing beside it`);
      // Colour to grey is a matter of formula, and libvips's is not Pillow's.
      if (own === 3 && channels === 1) continue;
      const pillows =
        own === channels ? pixels : Buffer.from([...pixels].flatMap(grey => [grey, grey, grey]));
      t.ok(pillows.equals(target.pixels), `${name} to ${channels}: Pillow's`);
    }
  }
});

t.test('the fast decoders by themselves, and which files are theirs', async t => {
  let served = 0;
  for (const { name, png, shape } of corpus) {
    const [height, width] = shape;
    const plain = / 8 bit /.test(name) ? !/interlaced/.test(name) : /'s (L|LA|P|RGB|RGBA)$/.test(name);
    const file = parsePng(png);
    t.equal(file !== undefined, plain, `${name} is ${plain ? '' : 'not '}plain`);
    if (file === undefined) continue;
    for (const channels of [1, 3] as const) {
      if (!placeable(file.palette === undefined ? file.samples : 3, channels)) {
        t.equal(decoderOf(png, [height, width, channels]), 'sharp', `${name} to ${channels}`);
        continue;
      }
      served++;
      const expected = await judge(png, channels);
      const check = (by: string, decode: (pixels: Uint8Array) => unknown): void => {
        const target = new GuardedTarget(height * width * channels);
        t.not(decode(target.pixels), false, `${name} to ${channels} by ${by}`);
        t.same(target.pixels, expected, `${name} to ${channels} by ${by}`);
        t.ok(target.intact);
      };
      check('TypeScript', pixels => decodePng(file, pixels, channels, unpackPlain));
      if (unpacksCompiled()) check('libdeflate', pixels => decodePng(file, pixels, channels, unpackCompiled));
      if (nativeImages()) check('@napi-rs/image', pixels => decodeNative(png, file, pixels, channels));
    }
  }
  t.ok(served >= 60, `${served} images without sharp`);
});
