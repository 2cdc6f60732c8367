import { createRequire } from 'node:module';
import t from 'tap';
import { openDecoder } from '../../../src/data/decode/open-decoder.js';
import { parsePng } from '../../../src/data/decode/png-file.js';
import { limitSharp, loadSharp } from '../../../src/data/decode/sharp-decoder.js';
import { readCorpus } from './corpus.js';

const { cache } = createRequire(import.meta.url);
const sharpIsLoaded = (): boolean => Object.keys(cache).some(path => /node_modules.sharp\W/.test(path));

t.test('sharp is loaded by the first file that needs it, and limited then', async t => {
  limitSharp();
  const decode = async (plain: boolean): Promise<void> => {
    for (const { png, shape, pixels } of readCorpus()) {
      if ((parsePng(png) !== undefined) !== plain) continue;
      const target = new Uint8Array(pixels.length);
      await openDecoder(shape)(png, target);
      t.same(target, new Uint8Array(pixels));
    }
  };
  await decode(true);
  t.notOk(sharpIsLoaded());
  await decode(false);
  t.ok(sharpIsLoaded());
  const sharp = await loadSharp();
  t.equal(sharp.concurrency(), 1);
  t.match(sharp.cache(), { memory: { max: 0 } });
});
