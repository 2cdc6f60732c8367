// Data of one's own: a list of files, classes brought into balance, images decoded once, and all of it in one file.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classBalancedWeights,
  concat,
  DataLoader,
  ManifestDataset,
  openData,
  PackDataset,
  packDataset,
  Subset,
  split,
  WeightedRandomSampler,
} from 'gradring';
import sharp from 'sharp';

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'gradring-data-')));
const loaders = [];
try {
  // Someone's files, few of them trousers, and a list of them.
  const { train } = await openData('sample');
  const trouser = train.classes.indexOf('Trouser');
  const rows = [...train.labels.keys()].filter((row, i) => train.labels[row] !== trouser || i % 5 === 0);
  const some = new Subset(train, rows.slice(0, 400));
  const { pixels } = await some.slice();
  await mkdir(join(folder, 'images'), { recursive: true });
  const lines = ['path,label'];
  for (const [i, label] of some.labels.entries()) {
    const image = pixels.subarray(784 * i, 784 * (i + 1));
    const raw = { width: 28, height: 28, channels: 1 };
    await sharp(image, { raw })
      .png()
      .toFile(join(folder, 'images', `${i}.png`));
    lines.push(`images/${i}.png,${train.classes[label]}`);
  }
  await writeFile(join(folder, 'list.csv'), lines.join('\n'));

  const dataset = await ManifestDataset.open(join(folder, 'list.csv'), { classes: train.classes });
  const share = labels => labels.filter(label => label === trouser).length / labels.length;
  const before = share([...dataset.labels]);

  // Each class as often as any other.
  const loader = new DataLoader(dataset, {
    batchSize: 100,
    sampler: new WeightedRandomSampler(classBalancedWeights(dataset.labels), 10_000),
  });
  loaders.push(loader);
  const drawn = [];
  for await (const { labels } of loader) drawn.push(...labels);
  const after = share(drawn);
  console.log(
    `trousers: ${(100 * before).toFixed(1)} % of the files, ${(100 * after).toFixed(1)} % of what is drawn`,
  );
  // Five standard deviations of 10,000 draws of one in ten.
  assert.ok(before < 0.04 && Math.abs(after - 0.1) < 0.015);

  // Datasets of datasets, and one file of all.
  const [large, small] = split(dataset, [300, 100], { seed: 1 });
  const again = concat([large, small]);
  await packDataset(again, join(folder, 'all.pack'));
  const packed = await PackDataset.open(join(folder, 'all.pack'));
  assert.deepEqual([...packed.labels], [...again.labels]);
  assert.deepEqual((await packed.get(399)).pixels, (await small.get(99)).pixels);

  // Decoded in the first epoch only: the second one does not miss the files.
  const cached = new DataLoader(dataset, { batchSize: 100, shuffle: true, cache: 'memory' });
  loaders.push(cached);
  const sums = [0, 0];
  for (const epoch of sums.keys()) {
    for await (const { pixels } of cached) sums[epoch] += pixels.reduce((sum, value) => sum + value, 0);
    await rm(join(folder, 'images'), { recursive: true, force: true });
  }
  console.log(`sum of all pixels: ${sums[0]}, and without the files ${sums[1]}`);
  assert.equal(sums[0], sums[1]);
} finally {
  for (const loader of loaders) await loader.close();
  if (process.argv[2] === undefined) await rm(folder, { recursive: true });
}
