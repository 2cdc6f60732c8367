/** Decode threads that end in the middle of an epoch: they are replaced, and the epoch is as if they had not. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import t from 'tap';
import { DataLoader } from '../../src/data/data-loader.js';
import { ImageFolder } from '../../src/data/datasets/image-folder.js';
import { createSlots } from '../../src/data/fill/batch-slots.js';
import { DecodePool } from '../../src/data/fill/decode-pool.js';
import { Fill, type FillCrew, type FillEvents } from '../../src/data/fill/fill.js';
import { FillControl } from '../../src/data/fill/fill-control.js';
import type { DataLoaderOptions } from '../../src/data/loader-options.js';
import type { RunWarning } from '../../src/protocol/warning.js';
import { type Copied, imageFolder, readEpoch } from './fixtures.js';

const perClass = 40;
const { root } = await imageFolder(join(t.testdir(), 'images'), perClass);
const images = await ImageFolder.open(root);
const options = { batchSize: 8, prefetch: 2, shuffle: true, seed: 3 };

/** Every thread of this process, in the order in which they were started. */
const threads: Worker[] = [];
process.on('worker', worker => threads.push(worker));

const alive = (): Worker[] => threads.filter(({ threadId }) => threadId > 0);

/** One epoch; what `atBatch` does with each batch is awaited. */
async function epochOf(loader: DataLoader, atBatch: (index: number) => unknown): Promise<Copied[]> {
  const copies: Copied[] = [];
  for await (const { epoch, index, indices, labels, pixels } of loader) {
    copies.push({ epoch, index, indices: [...indices], labels: [...labels], pixels: Buffer.from(pixels) });
    await atBatch(index);
  }
  return copies;
}

/**
 * Ends a thread once these loaders' slots are full: Node.js itself aborts where a thread is ended from outside while it
 * begins to inflate. Further down threads end by themselves, at work.
 */
async function endThread(...loaders: readonly DataLoader[]): Promise<void> {
  while (loaders.some(({ filled }) => filled < 1 + options.prefetch)) await turn();
  await alive().at(-1)?.terminate();
}

t.test('threads that are ended are replaced; the pixels are those of an undisturbed epoch', async t => {
  const whole = await readEpoch(new DataLoader(images, { ...options, numWorkers: 0 }));
  for (const [numWorkers, persistentWorkers, at] of [
    [1, true, [4]],
    [2, true, [0, 5, 10]],
    [2, false, [7]],
  ] as const) {
    const warnings: RunWarning[] = [];
    const onWarning = (warning: RunWarning): void => void warnings.push(warning);
    const loader = new DataLoader(images, { ...options, numWorkers, persistentWorkers, onWarning });
    const name = `${numWorkers} threads, persistentWorkers ${persistentWorkers}`;
    const disturbed = epochOf(loader, index => at.some(one => one === index) && endThread(loader));
    t.same(await disturbed, whole, name);
    t.ok(warnings.length > 0 && warnings.length <= at.length, `${warnings.length} warnings`);
    t.match(warnings[0], { code: 'W_DECODE_THREAD', message: /a decode thread ended: .*exited.* replaced/ });
    t.equal(alive().length, persistentWorkers ? numWorkers : 0, 'as many threads as before');
    loader.epoch = 0;
    t.same(await readEpoch(loader), whole, 'and the next epoch');
    await loader.close();
  }
  t.equal(alive().length, 0);
});

t.test('one thread of a pool that serves several epochs', async t => {
  const pool = new DecodePool(2);
  const loaders = [1, 2, 3].map(seed => new DataLoader(images, { ...options, seed, pool }));
  const whole = await Promise.all(loaders.map(loader => readEpoch(loader)));
  for (const loader of loaders) loader.epoch = 0;
  let ended: () => void = () => undefined;
  const end = new Promise<void>(resolve => {
    ended = resolve;
  });
  const [first, ...others] = loaders;
  const disturbed = epochOf(first, index => index === 5 && endThread(...loaders).then(ended));
  const waiting = others.map(loader => epochOf(loader, index => (index === 3 ? end : undefined)));
  t.same(await Promise.all([disturbed, ...waiting]), whole);
  await pool.close();
});

t.test('a thread that ends between two epochs is no error of the next', async t => {
  const loader = new DataLoader(images, { ...options, numWorkers: 2 });
  const whole = await readEpoch(loader);
  await Promise.all(alive().map(thread => thread.terminate()));
  loader.epoch = 0;
  t.same(await readEpoch(loader), whole);
  await loader.close();
});

/** Runs `body` while every thread begins with a script: it is CommonJS, with `fs` at hand. */
async function withScript(script: string, body: () => Promise<void>): Promise<void> {
  const file = join(t.testdirName, 'script.cjs');
  writeFileSync(
    file,
    `const fs = require('node:fs');\n${script}\nrequire('node:module').syncBuiltinESMExports();`,
  );
  // What piscina starts its threads with.
  const module = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
  const Original = module.Worker;
  module.Worker = class extends Original {
    constructor(path: string | URL, given: WorkerOptions) {
      super(path, { ...given, execArgv: ['--require', file] });
    }
  };
  try {
    await body();
  } finally {
    module.Worker = Original;
  }
}

/** Ends the thread that opens a file. */
const exitAt = (name: string, when = 'true'): string => `
  const { openSync } = fs;
  fs.openSync = (path, ...rest) => {
    if (String(path).endsWith(${JSON.stringify(name)}) && ${when}) process.exit(7);
    return openSync(path, ...rest);
  };`;

t.test('a file that ends its thread: once it is read again, always it ends the epoch', async t => {
  const killer = join('bee', '003.png');
  const where = images.describe(perClass + 3);
  const read = async (numWorkers: number, given: DataLoaderOptions = {}): Promise<Copied[]> => {
    const loader = new DataLoader(images, { batchSize: 8, numWorkers, ...given });
    try {
      return await readEpoch(loader);
    } finally {
      await loader.close();
    }
  };
  const whole = await read(0);
  const flag = join(t.testdir(), 'ended');
  const once = `!fs.existsSync(${JSON.stringify(flag)}) && (fs.writeFileSync(${JSON.stringify(flag)}, ''), true)`;
  await withScript(exitAt(killer, once), async () => {
    t.same(await read(2), whole);
  });
  await withScript(exitAt(killer), async () => {
    for (const numWorkers of [1, 2]) {
      const warnings: RunWarning[] = [];
      await t.rejects(read(numWorkers, { onWarning: warning => warnings.push(warning) }), {
        code: 'E_LOADER',
        message: /^a decode thread ended: worker exited with code: 7; under way: /,
        where,
      });
      t.ok(warnings.length >= 1 && warnings.length <= 4, `tried again ${warnings.length} times`);
      t.ok(
        warnings.every(({ message }) => message.includes(where)),
        'every warning names it too',
      );
    }
  });
  t.equal(alive().length, 0);
});

t.test('threads that cannot start end the epoch, and are not waited for', async t => {
  await withScript("throw new Error('no room');", async () => {
    const loader = new DataLoader(images, { ...options, numWorkers: 2 });
    await t.rejects(readEpoch(loader), { code: 'E_LOADER', message: /a decode thread ended: no room/ });
    await loader.close();
  });
});

t.test(
  'a thread that dies twice at the same batch: what was under way both times is named first',
  async t => {
    const slots = createSlots({ capacity: 4, imageShape: [1, 1, 1] }, 2);
    const plan = {
      rows: Uint32Array.of(9, 8, 7, 6, 5, 4, 3),
      starts: Uint32Array.of(0, 4, 7),
      samplesBefore: 0,
    };
    let events: FillEvents | undefined;
    const idle: FillCrew = { settled: Promise.resolve(), notify() {}, collect() {}, abandon() {} };
    const warnings: RunWarning[] = [];
    const names = { batch: String, row: (row: number) => `row ${row}` };
    const given = { plan, slots, chunk: 2, timeoutMs: 0, names };
    let taken = 3;
    const fill = new Fill({ ...given, onWarning: warning => warnings.push(warning) }, (job, told) => {
      events = told;
      const control = FillControl.attach(job.control);
      for (let i = 0; i < taken; i++) control.takeTicket();
      taken = 2;
      return idle;
    });
    const ready = fill.ready(0);
    events?.died(new Error('the worker exited'));
    events?.died(new Error('another one'));
    await idle.settled;
    t.match(warnings, [{ message: /; under way: row 9; row 7; row 5$/ }]);
    t.equal(warnings.length, 1, 'threads that end together are told of once');
    await Promise.resolve();
    events?.died(new Error('and again'));
    await t.rejects(ready, {
      code: 'E_LOADER',
      message: 'a decode thread ended: and again; under way: row 9; row 7',
    });
    t.equal(await fill.stop(), true);
  },
);
