/** PNGs and JPEGs of the size of photos, with and without resizing, through the loader; beside PyTorch. */
import { ImageFolder } from '../src/data/datasets/image-folder.js';
import { dataSettings } from './data-settings.js';
import { count } from './flags.js';
import type { Bench, BenchOptions, BenchReport, Measurement } from './harness.js';
import { type PhotoSet, photos, writeImageFolder } from './image-sets.js';
import { loaderVariants, TorchLoader, workerCounts } from './loader-variants.js';
import { fastest, pairedRatio, takeTurns } from './rounds.js';
import { withTemporaryFolder } from './temporary-folder.js';

const flags = {
  small: count(384, 'pictures of 256 × 256, for each format'),
  large: count(96, 'pictures of 1024 × 768, for each format'),
  batch: count(32, 'images a batch of the small ones; of the large ones half as many'),
  runs: count(5, 'runs after two to warm up'),
  'run-ms': count(300, 'milliseconds of a run, at least: it is whole epochs'),
};

type Options = BenchOptions<typeof flags>;

interface PhotoTask extends PhotoSet {
  /** [height, width] that the images are brought to; absent: they stay as they are. */
  readonly imageSize?: readonly [number, number];
  readonly batch: number;
}

/** Each is the stronger one for some of these files. uint8: floats would cost the peer more than we do for it. */
const ways = ['read_image', 'PIL'] as const;
const resized = [224, 224] as const;

function tasks({ values: { small, large, batch } }: Options): PhotoTask[] {
  return (['png', 'jpeg'] as const).flatMap(format => [
    { format, count: small, width: 256, height: 256, batch },
    { format, count: large, width: 1024, height: 768, imageSize: resized, batch: Math.ceil(batch / 2) },
  ]);
}

const title = ({ format, width, height, imageSize }: PhotoTask): string =>
  `${format.toUpperCase()} ${width} × ${height}${imageSize ? ` → ${imageSize.join(' × ')}` : ''}: `;

export const bench: Bench<typeof flags> = {
  description: 'PNGs and JPEGs of the size of photos, some resized, images a second',
  peer: "PyTorch's DataLoader with torchvision and with PIL, uint8",
  flags,
  async run(options) {
    const rows: Measurement[] = [];
    let versions: Record<string, string> = {};
    for (const task of tasks(options)) {
      const measured = await measure(task, options);
      rows.push(...measured.rows);
      versions = measured.versions ?? versions;
    }
    return {
      settings: dataSettings(),
      rows,
      versions,
      notes: [
        'the variants of a set take turns, so that a change of load meets all of them; ratios are taken round by round',
        `gradring and each way to read of PyTorch: the best of ${workerCounts.join(', ')} workers; the same files, uint8, the same sizes`,
        'resizing is antialiased and bilinear everywhere',
      ],
    };
  },
};

function measure(task: PhotoTask, options: Options): Promise<Pick<BenchReport, 'rows' | 'versions'>> {
  return withTemporaryFolder('photos', async folder => {
    options.say(`${title(task)}${task.count} pictures`);
    await writeImageFolder(folder, photos(task), task.format, options.signal);
    const dataset = await ImageFolder.open(folder, { imageSize: task.imageSize });
    const { runs, 'run-ms': runMs } = options.values;
    const loading = { batch: task.batch, runMs, signal: options.signal };
    const rounds = { runs, signal: options.signal, unit: 'img/s' };
    const ours = loaderVariants(`${title(task)}gradring`, dataset, loading, 'gradring');
    try {
      if (!options.peer) return { rows: await takeTurns(ours, rounds) };
      return await TorchLoader.over(folder, dataset, loading, options.peerOptions, async torch => {
        for (const way of ways) await torch.checkSameImages(ours[0], way);
        const rows = await takeTurns([...ours, ...torch.variants(ways, title(task))], rounds);
        const ratio = pairedRatio(`${title(task)}ratio to the faster`, rows[0], fastest(rows.slice(1)));
        return { rows: [...rows, ratio], versions: await torch.versions() };
      });
    } finally {
      for (const variant of ours) await variant.close();
    }
  });
}
