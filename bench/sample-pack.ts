/** A pack of as many PNGs as a bench wants, the sample's over and over. */
import { join } from 'node:path';
import { PackDataset } from '../src/data/datasets/pack.js';
import type { PackHeader } from '../src/data/datasets/pack-format.js';
import { type PackRecord, writePack } from '../src/data/datasets/write-pack.js';
import { openData } from '../src/data/open-dataset.js';
import { type ImageFile, samplePngs } from './image-sets.js';

/** @returns the pack in `folder`, opened */
export async function writeSamplePack(
  folder: string,
  count: number,
  signal: AbortSignal,
): Promise<PackDataset> {
  const { train, name: source } = await openData('sample');
  const [height, width, channels] = train.imageShape;
  const file = join(folder, 'sample.pack');
  const header: PackHeader = {
    count,
    classes: [...train.classes],
    imageShape: [height, width, channels as 1 | 3],
    encoding: 'image',
    source,
    licence: 'MIT',
  };
  await writePack(file, header, repeated(await samplePngs(count), count, signal));
  return PackDataset.open(file);
}

function* repeated(files: readonly ImageFile[], count: number, signal: AbortSignal): Generator<PackRecord> {
  for (let row = 0; row < count; row++) {
    signal.throwIfAborted();
    yield files[row % files.length];
  }
}
