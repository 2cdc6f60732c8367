/** What follows from which figures: a table of situations. */
import t from 'tap';
import { judge, type RecommendedSettings, type Situation, type Verdict } from '../../src/profile/verdict.js';

/** Two replicas fed by two of eight cores' threads, just fast enough; small PNG files. */
const device = { replicas: 2, imagesPerSecond: 10_000, trained: 9_900, waitMs: 0.01, dataShare: 0.001 };
const usual: Situation = {
  curve: [0, 1, 2, 4, 8].map(workers => ({ workers, imagesPerSecond: 6_500 * Math.max(workers, 0.8) })),
  workers: 2,
  cores: 8,
  prefetch: 2,
  batchSize: 192,
  cache: 'none',
  gather: 3_500_000,
  device,
  storage: 'files',
  decoded: true,
  readShare: 0.1,
  sharpShare: 0,
  libuvThreads: 4,
  pixelBytes: 47e6,
  imageBytes: 784,
  memoryForCache: 8e9,
};
/** Devices that would take more than the loader gives. */
const hungry = { ...device, imagesPerSecond: 24_000, trained: 12_500, waitMs: 7.5, dataShare: 0.48 };

interface Case {
  readonly situation: Partial<Situation>;
  readonly bound: Verdict['bound'];
  readonly sentence: RegExp;
  readonly settings?: Partial<RecommendedSettings>;
  /** One for each piece of advice, in order. */
  readonly advice?: readonly RegExp[];
}

const cases: Readonly<Record<string, Case>> = {
  'batches are always there': {
    situation: {},
    bound: 'device',
    sentence:
      /^device-bound: the loader gives 13,000 img\/s with 2 workers, the devices take 10,000; they wait 0\.1 %/,
    settings: {
      numWorkers: 2,
      prefetch: 2,
      batchSize: 192,
      cache: 'none',
      pack: false,
      uvThreadpoolSize: null,
    },
  },
  'fewer threads would do': {
    situation: { workers: 8 },
    bound: 'device',
    sentence: /52,000 img\/s with 8 workers/,
    settings: { numWorkers: 2 },
    advice: [/^2 workers would do/],
  },
  'a long step makes a short wait nothing': {
    situation: { device: { ...device, waitMs: 0.4, dataShare: 0.004 } },
    bound: 'device',
    sentence: /they wait 0\.4 %/,
  },
  'a loader that is ahead may be late now and then': {
    situation: { device: { ...device, waitMs: 0.2, dataShare: 0.06 } },
    bound: 'device',
    sentence: /they wait 6 % of the time$/,
  },
  'one that is not ahead is too slow': {
    situation: { device: { ...device, imagesPerSecond: 12_500, waitMs: 0.2, dataShare: 0.06 } },
    bound: 'loader',
    sentence: /^loader-bound at times: 13,000 img\/s against 12,500 on the whole.*use 4 workers or cache/,
  },
  'CPU devices share the cores with the decode threads': {
    situation: { device: { ...device, trained: 6_000 } },
    bound: 'device',
    sentence: /^device-bound/,
    settings: { cache: 'none' },
    advice: [/only 6,000 img\/s.*cache: 'memory' would end/],
  },
  'more threads are enough': {
    situation: { device: hungry },
    bound: 'loader',
    sentence:
      /^loader-bound: 13,000 img\/s against 24,000, the devices wait 48 % of the time; use 8 workers or cache: 'memory'$/,
    settings: { numWorkers: 8, cache: 'none' },
  },
  'of several numbers that are enough the smallest': {
    situation: { device: { ...hungry, imagesPerSecond: 20_000 } },
    bound: 'loader',
    sentence: /use 4 workers or/,
    settings: { numWorkers: 4 },
  },
  'no number of threads is enough, a cache is': {
    situation: { device: { ...hungry, imagesPerSecond: 400_000 } },
    bound: 'loader',
    sentence: /use cache: 'memory'$/,
    settings: { numWorkers: 8, cache: 'memory' },
  },
  'too large for the memory': {
    situation: { device: { ...hungry, imagesPerSecond: 400_000 }, pixelBytes: 9e9 },
    bound: 'loader',
    sentence: /use cache: 'disk'$/,
    settings: { cache: 'disk' },
  },
  'cached already: nothing is left but threads': {
    situation: { device: { ...hungry, imagesPerSecond: 400_000 }, cache: 'memory' },
    bound: 'loader',
    sentence: /use 8 workers$/,
    settings: { numWorkers: 8, cache: 'memory' },
  },
  'already at the best': {
    situation: { device: { ...hungry, imagesPerSecond: 400_000 }, cache: 'memory', workers: 8 },
    bound: 'loader',
    sentence: /no setting measured here is faster$/,
    settings: { numWorkers: 8 },
  },
  'pixels in memory cannot be cached': {
    situation: {
      device: { ...hungry, imagesPerSecond: 400_000 },
      storage: 'raw',
      decoded: false,
      workers: 8,
    },
    bound: 'loader',
    sentence: /no setting measured here is faster$/,
  },
  'fast enough on the whole, waits at times': {
    situation: { device: { ...device, dataShare: 0.15 } },
    bound: 'loader',
    sentence:
      /at times: 13,000 img\/s against 10,000 on the whole, yet the devices wait 15 %.*use prefetch 4 or cache/,
    settings: { numWorkers: 2, prefetch: 4 },
  },
  'opening files is what takes the time': {
    situation: { device: hungry, readShare: 0.4 },
    bound: 'loader',
    sentence: /use 8 workers/,
    settings: { pack: true },
    advice: [/^40 % of a sample's time is opening and reading/],
  },
  'sharp shares libuv': {
    situation: { device: hungry, sharpShare: 0.5 },
    bound: 'loader',
    sentence: /^loader-bound/,
    settings: { uvThreadpoolSize: 8 },
    advice: [/^sharp decodes 50 % .* libuv's 4 threads: set UV_THREADPOOL_SIZE=8/],
  },
  'a dataset that only the caller can read': {
    situation: {
      device: hungry,
      storage: 'own',
      curve: [{ workers: 0, imagesPerSecond: 500 }],
      workers: 0,
    },
    bound: 'loader',
    sentence: /^loader-bound: 500 img\/s against 24,000/,
    settings: { numWorkers: 0, cache: 'none' },
    advice: [/packDataset/],
  },
  'a batch that does not divide, in slots that are too large': {
    situation: { batchSize: 193, imageBytes: 500 * 500 * 3, prefetch: 8 },
    bound: 'device',
    sentence: /^device-bound/,
    // 512 MiB / (193 × 750,000 bytes) = 3.7 slots, one of which is in use.
    settings: { batchSize: 194, prefetch: 2 },
    advice: [/194 divides evenly among 2 replicas/, /prefetch 8 keeps more than 512 MiB/],
  },
  'no devices measured': {
    situation: { device: undefined, readShare: 0.4 },
    bound: 'unknown',
    sentence: /^the loader gives 52,000 img\/s with 8 workers; the devices were not measured$/,
    settings: { numWorkers: 8, pack: true },
    advice: [/opening and reading/, /cache: 'memory' would give up to 3,500,000/],
  },
  'no devices measured, and threads that change nothing': {
    situation: {
      device: undefined,
      curve: [0, 1, 2].map(workers => ({ workers, imagesPerSecond: 1000 + workers })),
    },
    bound: 'unknown',
    sentence: /1,002 img\/s with 2 workers/,
    // Not 0, which is as fast: it would keep the calling thread busy.
    settings: { numWorkers: 1 },
    advice: [/cache/],
  },
};

for (const [name, { situation, bound, sentence, settings, advice = [] }] of Object.entries(cases)) {
  t.test(name, async t => {
    const verdict = judge({ ...usual, ...situation });
    t.equal(verdict.bound, bound);
    t.match(verdict.sentence, sentence);
    t.match(verdict.settings, settings ?? {});
    t.equal(verdict.advice.length, advice.length, verdict.advice.join('\n'));
    for (const [i, text] of advice.entries()) t.match(verdict.advice[i], text);
  });
}
