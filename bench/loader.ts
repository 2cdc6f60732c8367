/** The bundled sample's PNGs through the decode pool and the batch slots, beside sharp alone and PyTorch. */

import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { DataLoader } from '../src/data/data-loader.js';
import { PackDataset } from '../src/data/datasets/pack.js';
import { readExactly } from '../src/data/datasets/pack-format.js';
import { openData } from '../src/data/open-dataset.js';
import { packageRoot } from '../src/package-root.js';
import { type Bench, compare, type Measurement, summarise } from './harness.js';
import { type PeerOptions, runPeer } from './peer.js';

const BATCH = 256;
const RUNS = 5;
/** More than sharp needs to keep every libuv thread busy. */
const SHARP_IN_FLIGHT = 64;
const threadCounts = [0, 1, 2];
const SHARP_ALONE = `sharp alone, ${SHARP_IN_FLIGHT} buffers in flight`;

export const bench: Bench = {
  description: "the sample's PNGs decoded into batch slots, images a second",
  peer: "PyTorch's DataLoader with torchvision",
  async run({ peer, peerOptions }) {
    const files = await pngFiles();
    const rows = await ours(files);
    const [alone] = rows;
    const best = rows.slice(1).reduce((a, b) => (b.median > a.median ? b : a));
    const peers = peer ? await torch(files, peerOptions) : [];
    return {
      settings: { images: files.length, batch: BATCH, runs: RUNS, cores: availableParallelism() },
      rows: [
        alone,
        ...rows.slice(1).map(row => compare(row, alone)),
        ...peers.map(row => compare(row, best)),
      ],
      notes: ['each run is one epoch; the variants take turns, so that a change of load meets all of them'],
    };
  },
};

/** The sample's training images as they lie in its pack. */
async function pngFiles(): Promise<Buffer[]> {
  const { source } = await PackDataset.open(
    join(packageRoot(), 'data', 'fashion-mnist-sample', 'train.pack'),
  );
  if (source.storage.kind !== 'records') throw new TypeError('the sample is a pack');
  const { files, starts, lengths } = source.storage;
  const descriptor = openSync(files[0], 'r');
  try {
    return Array.from(source.labels, (_, row) => readExactly(descriptor, starts[row], lengths[row]));
  } finally {
    closeSync(descriptor);
  }
}

async function ours(files: readonly Buffer[]): Promise<Measurement[]> {
  const { train } = await openData('sample');
  const loaders = threadCounts.map(
    numWorkers => new DataLoader(train, { batchSize: BATCH, shuffle: true, numWorkers }),
  );
  const variants: [name: string, epoch: () => Promise<void>][] = [
    [SHARP_ALONE, () => decodeAll(files)],
    ...loaders.map((loader, i): [string, () => Promise<void>] => [
      `pool and slots, ${threadCounts[i]} threads`,
      async () => {
        for await (const _ of loader);
      },
    ]),
  ];
  const rates: number[][] = variants.map(() => []);
  // The first round starts threads and fills caches: not counted.
  for (let run = 0; run <= RUNS; run++) {
    for (const [i, [, epoch]] of variants.entries()) {
      const start = performance.now();
      await epoch();
      if (run > 0) rates[i].push((1000 * files.length) / (performance.now() - start));
    }
  }
  for (const loader of loaders) await loader.close();
  return variants.map(([name], i) => summarise(name, 'img/s', rates[i]));
}

/** sharp at its best: straight from memory, nothing done with the pixels. */
async function decodeAll(files: readonly Buffer[]): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < files.length) await sharp(files[next++]).toColourspace('b-w').raw().toBuffer();
  };
  await Promise.all(Array.from({ length: SHARP_IN_FLIGHT }, lane));
}

async function torch(files: readonly Buffer[], options: PeerOptions): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gradring-loader-'));
  try {
    const classFolder = join(folder, 'all');
    await mkdir(classFolder);
    for (const [row, file] of files.entries()) await writeFile(join(classFolder, `${row}.png`), file);
    const result = (await runPeer('loader.py', [folder, String(BATCH), String(RUNS)], options)) as {
      [name: string]: number[];
    };
    return Object.entries(result).map(([name, runs]) => summarise(name, 'img/s', runs));
  } finally {
    await rm(folder, { recursive: true });
  }
}
