/** Threads of a loader: how long they live, what they wait for, and what is said of one that does not answer. */
import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import t from 'tap';
import { DataLoader } from '../../src/data/data-loader.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import type { Dataset } from '../../src/data/dataset.js';
import { ArrayDataset } from '../../src/data/datasets/array-dataset.js';
import { concat } from '../../src/data/datasets/concat.js';
import { ImageFolder } from '../../src/data/datasets/image-folder.js';
import { PackDataset } from '../../src/data/datasets/pack.js';
import { Subset } from '../../src/data/datasets/subset.js';
import { DecodePool } from '../../src/data/fill/decode-pool.js';
import type { DataLoaderOptions } from '../../src/data/loader-options.js';
import { packDataset } from '../../src/data/pack-dataset.js';
import { imageFolder, noise, readEpoch } from './fixtures.js';

/** The threads that are started while `body` runs. */
async function threadsOf(body: () => Promise<unknown>): Promise<Worker[]> {
  const threads: Worker[] = [];
  const seen = (message: unknown): void => {
    threads.push((message as { worker: Worker }).worker);
  };
  subscribe('worker_threads', seen);
  await body();
  unsubscribe('worker_threads', seen);
  return threads;
}

/** Node sets the number of a thread that has ended to −1. */
const alive = (threads: readonly Worker[]): number => threads.filter(({ threadId }) => threadId > 0).length;

const memory = (count: number): ArrayDataset =>
  ArrayDataset.from({
    pixels: noise(count, [4, 4, 1]),
    labels: new Int32Array(count),
    imageShape: [4, 4, 1],
    classes: ['one'],
  });

t.test('threads stay for the next epoch, or end with each', async t => {
  for (const persistentWorkers of [true, false]) {
    const loader = new DataLoader(memory(40), { batchSize: 8, numWorkers: 2, persistentWorkers });
    const threads = await threadsOf(async () => {
      for (let epoch = 0; epoch < 3; epoch++) t.equal((await readEpoch(loader)).length, 5);
    });
    t.equal(threads.length, persistentWorkers ? 2 : 6, `persistentWorkers ${persistentWorkers}`);
    t.equal(alive(threads), persistentWorkers ? 2 : 0);
    await loader.close();
    t.equal(alive(threads), 0);
  }
  const pair = { train: memory(16), valid: memory(16) };
  const loaders = DataLoaders.from(pair, { numWorkers: 1, persistentWorkers: false });
  t.equal(loaders.pool, undefined, 'then two loaders share none');
  t.equal((await readEpoch(loaders.valid)).length, 1);
  await loaders.close();
});

t.test('prefetchFactor counts batches for each thread', async t => {
  const loader = new DataLoader(memory(90), { batchSize: 5, numWorkers: 2, prefetchFactor: 3 });
  for await (const _ of loader) {
    // The one in use and 2 · 3 ahead.
    while (loader.filled < 7) await turn();
    break;
  }
  await loader.close();
  for (const [options, where] of [
    [{ prefetchFactor: 2, numWorkers: 0 }, 'prefetchFactor'],
    [{ prefetchFactor: 2, prefetch: 2 }, 'prefetch'],
    [{ prefetchFactor: 0, numWorkers: 1 }, 'prefetchFactor'],
    [{ timeout: -1 }, 'timeout'],
    [{ timeout: Number.POSITIVE_INFINITY }, 'timeout'],
    [{ shuffleBuffer: 10 }, 'shuffleBuffer'],
    [{ samplesPerEpoch: 10 }, 'samplesPerEpoch'],
  ] as const)
    t.throws(() => new DataLoader(memory(4), options), { code: 'E_LOADER', where }, JSON.stringify(options));
  const pool = new DecodePool(1);
  t.throws(() => new DataLoader(memory(4), { pool, persistentWorkers: false }), {
    code: 'E_LOADER',
    message: /persistentWorkers is false/,
  });
  await pool.close();
});

t.test(
  'a decode thread that hangs in a file: the batch and the file are named, and the loop ends',
  async t => {
    const { root } = await imageFolder(join(t.testdir(), 'images'), 8);
    const images = await ImageFolder.open(root);
    const rows = [...images.labels.keys()];
    const packs = await Promise.all(
      [rows.slice(0, 11), rows.slice(11)].map(async (part, i) => {
        const file = join(t.testdirName, `${i}.pack`);
        await packDataset(new Subset(images, part), file);
        return file;
      }),
    );
    const dataset = concat(await Promise.all(packs.map(file => PackDataset.open(file))));
    const loader = new DataLoader(dataset, { batchSize: 4, numWorkers: 1, timeout: 4 });
    await readEpoch(loader);
    const fifo = packs[1];
    const where = `row 0 of ${fifo} (${root})`;
    rmSync(fifo);
    // Opening it blocks the thread until somebody opens the other end.
    execFileSync('mkfifo', [fifo]);
    const seen: number[] = [];
    await t.rejects(
      (async () => {
        for await (const { index } of loader) seen.push(index);
      })(),
      {
        code: 'E_LOADER',
        message: `batch 2 of epoch 1 did not come within 4 s; under way: ${where}`,
        where,
      },
    );
    t.same(seen, [0, 1]);
    closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
    await loader.close();
  },
);

t.test("a user's sample that never comes: the row is named, and what comes late does no harm", async t => {
  const data = memory(12);
  let give: () => void = () => undefined;
  let late: Promise<void> | undefined;
  const get: Dataset['get'] = async index => {
    if (index === 5 && late !== undefined) {
      await late;
      return { pixels: new Uint8Array(16).fill(255), label: 0, index };
    }
    return data.get(index);
  };
  const { length, classes, imageShape, labels } = data;
  const describe = (index: number): string => `row ${index} of mine`;
  const own = { length, classes, imageShape, labels, get, describe };
  const together: Dataset = { ...own, getBatch: rows => Promise.all(rows.map(row => get(row))) };
  for (const [dataset, where] of [
    [own, 'row 5 of mine'],
    [together, 'row 4 of mine'],
  ] as const) {
    late = new Promise<void>(resolve => {
      give = resolve;
    });
    const loader = new DataLoader(dataset, { batchSize: 4, timeout: 0.1 });
    await t.rejects(readEpoch(loader), {
      code: 'E_LOADER',
      message: new RegExp(`batch 1 of epoch 0 did not come within 0.1 s; under way: ${where}`),
      where,
    });
    late = undefined;
    const [, second] = await readEpoch(loader);
    give();
    await turn();
    t.same(second.pixels.subarray(16, 32), (await data.get(5)).pixels);
  }
});

t.test('statistics tell who waited for whom', async t => {
  const loader = new DataLoader(memory(60), { batchSize: 10, numWorkers: 1, prefetch: 1 });
  t.same(loader.stats, { waitMs: 0, slotWaitMs: 0, images: 0, seconds: 0 });
  for await (const _ of loader) {
    // A consumer at work, while two batches are ready and the decoder waits.
    while (loader.filled < Math.min(2, 6 - _.index)) await turn();
    const began = performance.now();
    while (performance.now() - began < 5) await turn();
  }
  const busy = loader.stats;
  t.equal(busy.images, 60);
  t.ok(busy.slotWaitMs > 15, `decoders waited ${busy.slotWaitMs} ms of 4 · 5`);
  t.ok(busy.seconds >= 0.03 && busy.seconds < 60);
  await turn();
  t.same(loader.stats, busy, 'an epoch that is over stays as it was');
  for await (const _ of loader) if (loader.stats.images === 30) break;
  t.equal(loader.stats.images, 30, 'of the current or last loop alone');
  await loader.close();

  const data = memory(8);
  const get: Dataset['get'] = async index => {
    const began = performance.now();
    while (performance.now() - began < 2) await turn();
    return data.get(index);
  };
  const slow = new DataLoader({ ...own(data), get }, { batchSize: 2 });
  await readEpoch(slow);
  t.ok(slow.stats.waitMs > 4 && slow.stats.waitMs <= slow.stats.seconds * 1000);
  t.equal(slow.waitMs, slow.stats.waitMs);
});

const own = ({ length, classes, imageShape, labels }: ArrayDataset): Omit<Dataset, 'get'> => ({
  length,
  classes,
  imageShape,
  labels,
  describe: String,
});

t.test('the event loop turns while a loop never has to wait', async t => {
  const data = ArrayDataset.from({
    pixels: new Uint8Array(4000 * 64 * 64),
    labels: new Int32Array(4000),
    imageShape: [64, 64, 1],
    classes: ['black'],
  });
  const turns = async (options: DataLoaderOptions): Promise<{ turns: number; ms: number }> => {
    const loader = new DataLoader(data, { batchSize: 50, ...options });
    let [count, running] = [0, true];
    const tick = (): void => {
      count++;
      if (running) setImmediate(tick);
    };
    setImmediate(tick);
    // Of the processor: a busy machine gives this process only a part of the time on the clock.
    const began = process.cpuUsage();
    const used = (): number => process.cpuUsage(began).user / 1000;
    while (used() < 80) for await (const _ of loader);
    running = false;
    await loader.close();
    return { turns: count, ms: used() };
  };
  for (const numWorkers of [0, 1]) {
    const seen = await turns({ numWorkers });
    t.ok(seen.turns > seen.ms / 25, `${numWorkers} threads: ${seen.turns} turns in ${seen.ms} ms`);
  }
});

t.test('libuv is spoken of only where sharp decodes', async t => {
  const { root, pixels } = await imageFolder(join(t.testdir(), 'images'), 2);
  const plain = await ImageFolder.open(root);
  const before = process.env.UV_THREADPOOL_SIZE;
  process.env.UV_THREADPOOL_SIZE = '1';
  const pool = new DecodePool(2);
  await readEpoch(new DataLoader(plain, { pool }));
  t.equal(pool.advice, undefined, 'plain PNGs');
  const raw = { height: 6, width: 5, channels: 1 } as const;
  await sharp(pixels[0], { raw })
    .toColourspace('b-w')
    .png({ progressive: true })
    .toFile(join(root, 'ant', '000.png'));
  await readEpoch(new DataLoader(await ImageFolder.open(root), { pool }));
  t.match(pool.advice, /2 decode threads share 1 libuv threads/, 'an interlaced one');
  if (before === undefined) delete process.env.UV_THREADPOOL_SIZE;
  else process.env.UV_THREADPOOL_SIZE = before;
  await pool.close();
});
