/** The bundled sample's PNGs, as files and as a pack, through the loader; beside sharp alone and PyTorch. */
import sharp from 'sharp';
import { ImageFolder } from '../src/data/datasets/image-folder.js';
import { Subset } from '../src/data/datasets/subset.js';
import { openData } from '../src/data/open-dataset.js';
import { dataSettings } from './data-settings.js';
import { count } from './flags.js';
import type { Bench, BenchOptions, Measurement } from './harness.js';
import { type ImageFile, samplePngs, writeImageFolder } from './image-sets.js';
import {
  type LoaderTask,
  type LoaderVariant,
  loaderVariants,
  TorchLoader,
  workerCounts,
} from './loader-variants.js';
import { epochRate, fastest, pairedRatio, takeTurns, type Variant } from './rounds.js';
import { withTemporaryFolder } from './temporary-folder.js';

/** More than sharp needs to keep every libuv thread busy. */
const sharpInFlight = 64;
/** Its rate is the same with more, and it would take most of the time. */
const sharpImages = 2000;
const FOLDER = 'folder of PNGs';

const flags = {
  images: count(10_000, 'of the sample'),
  batch: count(256, 'images a batch'),
  runs: count(7, 'runs after two to warm up'),
  'run-ms': count(400, 'milliseconds of a run, at least: it is whole epochs'),
};

type Options = BenchOptions<typeof flags>;

export const bench: Bench<typeof flags> = {
  description: "the sample's 28 × 28 PNGs decoded into batch slots, images a second",
  peer: "PyTorch's DataLoader with torchvision",
  flags,
  run: options =>
    withTemporaryFolder('loader', async folder => {
      const { images, batch, 'run-ms': runMs } = options.values;
      const pngs = await samplePngs(images);
      await writeImageFolder(folder, pngs, 'png', options.signal);
      const { train } = await openData('sample');
      const pack = new Subset(train, Uint32Array.from(pngs.keys()));
      const task = { batch, runMs, signal: options.signal };
      const files = await ImageFolder.open(folder);
      const ours = [...loaderVariants(FOLDER, files, task), ...loaderVariants('pack of PNGs', pack, task)];
      const variants = [sharpAlone(pngs, runMs), ...ours];
      try {
        const measured = options.peer
          ? await withTorch({ folder, ours, variants, task }, options)
          : { rows: await takeTurns(variants, rounds(options)) };
        return {
          settings: dataSettings(),
          ...measured,
          notes: [
            'the variants take turns, so that a change of load meets all of them; ratios are taken round by round',
            `PyTorch: the best of ${workerCounts.join(', ')} persistent workers for each way to read; the same files`,
          ],
        };
      } finally {
        for (const variant of ours) await variant.close();
      }
    }),
};

const rounds = ({ values: { runs }, signal }: Options) => ({ runs, signal, unit: 'img/s' });

interface Ours {
  readonly folder: string;
  /** Those of the folder first. */
  readonly ours: readonly LoaderVariant[];
  readonly variants: readonly Variant[];
  readonly task: LoaderTask;
}

function withTorch({ folder, ours, variants, task }: Ours, options: Options) {
  return TorchLoader.over(folder, ours[0].dataset, task, options.peerOptions, async torch => {
    const versions = await torch.versions();
    await torch.checkSameImages(ours[0], 'read_image');
    options.say(`${variants.length} variants of ours, in turns with PyTorch`);
    const peers = torch.variants(['read_image', 'ImageFolder']);
    const rows = await takeTurns([...variants, ...peers], rounds(options));
    return { rows: [...rows, ...ratiosToTorch(rows)], versions };
  });
}

/** Files against files: a pack is an advantage that the peer does not have. */
function ratiosToTorch(rows: readonly Measurement[]): Measurement[] {
  const best = fastest(rows.filter(({ name }) => name.startsWith(FOLDER)));
  const peers = rows.filter(({ name }) => name.startsWith('PyTorch'));
  return peers.map(row => pairedRatio(`${best.name} ÷ ${row.name}`, best, row));
}

/** sharp at its best: straight from memory, nothing done with the pixels. */
function sharpAlone(all: readonly ImageFile[], runMs: number): Variant {
  const files = all.slice(0, sharpImages);
  const epoch = async (): Promise<void> => {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < files.length) await sharp(files[next++].bytes).toColourspace('b-w').raw().toBuffer();
    };
    await Promise.all(Array.from({ length: sharpInFlight }, lane));
  };
  return {
    name: `sharp alone, ${sharpInFlight} buffers in flight`,
    run: () => epochRate(files.length, runMs, epoch),
  };
}
