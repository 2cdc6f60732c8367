/**
 * What the measurements say: which side holds the other one up, and which settings follow. Pure functions of plain
 * figures, so that every situation can be tested.
 */
import type { CacheKind } from '../data/cache/cache-options.js';

/** The figures that a verdict depends on. Rates are images a second. */
export interface Situation {
  /** By number of threads, ascending; at least one. */
  readonly curve: readonly { readonly workers: number; readonly imagesPerSecond: number }[];
  /** Threads that the training was measured with; one of the curve's. */
  readonly workers: number;
  readonly cores: number;
  readonly prefetch: number;
  readonly batchSize: number;
  readonly cache: CacheKind;
  /** What one thread gathers from pixels in memory. */
  readonly gather: number;
  /** Absent where the devices were not measured. */
  readonly device?: {
    readonly replicas: number;
    /** On a batch that is there already. */
    readonly imagesPerSecond: number;
    /** On the data. */
    readonly trained: number;
    /** Median wait for a batch. */
    readonly waitMs: number;
    /** Share of the training's time that it waited for data. */
    readonly dataShare: number;
  };
  readonly storage: 'files' | 'records' | 'raw' | 'concatenated' | 'own';
  readonly decoded: boolean;
  /** Share of a sample's time that goes into reading its file. */
  readonly readShare: number;
  /** Share of the images that sharp decodes. */
  readonly sharpShare: number;
  readonly libuvThreads: number;
  /** All pixels, decoded. */
  readonly pixelBytes: number;
  readonly imageBytes: number;
  /** What a cache in memory may take by default. */
  readonly memoryForCache: number;
}

/** What to set, by the names of the loader's options. */
export interface RecommendedSettings {
  readonly numWorkers: number;
  readonly prefetch: number;
  readonly batchSize: number;
  readonly cache: CacheKind;
  /** Write the files into a pack first. */
  readonly pack: boolean;
  /** libuv's threads, to be set before Node.js starts; null: as they are. */
  readonly uvThreadpoolSize: number | null;
}

export interface Verdict {
  /** Which side the other one waits for; `unknown` where the devices were not measured. */
  readonly bound: 'loader' | 'device' | 'unknown';
  /** The verdict in one sentence. */
  readonly sentence: string;
  readonly settings: RecommendedSettings;
  /** Why, and what else would help: a sentence each. */
  readonly advice: readonly string[];
}

/** A median wait below this is that of a batch that was there: what remains is the call itself. */
const READY_MS = 0.05;
/** Of the training's time: less is not worth a word; more is too much, even for a loader that is fast enough on the whole. */
const NEGLIGIBLE_SHARE = 0.02;
const BURST_SHARE = 0.1;
/** How much faster than the devices a loader should be, to stay so on a busy machine. */
const MARGIN = 1.2;
/** Most that the slots may take. */
const SLOT_BYTES = 512 * 2 ** 20;
/** Of a sample's time: reading more than this is worth a pack. */
const PACK_SHARE = 0.15;

/** @returns the verdict, settings that follow from it, and why */
export function judge(situation: Situation): Verdict {
  const { device } = situation;
  if (device === undefined) return unknownBound(situation);
  const { imagesPerSecond, waitMs, dataShare } = device;
  const isAhead = waitMs < READY_MS || rateOf(situation, situation.workers) >= MARGIN * imagesPerSecond;
  return dataShare < NEGLIGIBLE_SHARE || (isAhead && dataShare < BURST_SHARE)
    ? deviceBound(situation, device)
    : loaderBound(situation, device);
}

type Device = NonNullable<Situation['device']>;

function unknownBound(situation: Situation): Verdict {
  const best = fastest(situation);
  const cache = usefulCache(situation, best.imagesPerSecond * MARGIN);
  const settings = { ...base(situation), numWorkers: fewest(situation, 0.95 * best.imagesPerSecond) };
  const sentence = `the loader gives ${rate(best.imagesPerSecond)} with ${threads(best.workers)}; the devices were not measured`;
  const advice = [...packAdvice(situation), ...commonAdvice(situation, settings)];
  if (cache !== undefined) {
    advice.push(`cache: '${cache}' would give up to ${rate(situation.gather)} from the second epoch on`);
  }
  return { bound: 'unknown', sentence, settings, advice };
}

function deviceBound(situation: Situation, device: Device): Verdict {
  const { imagesPerSecond, trained, dataShare } = device;
  const given = rateOf(situation, situation.workers);
  const enough = fewest(situation, MARGIN * imagesPerSecond);
  // Where none is fast enough by that margin, what was measured is: the devices did not wait.
  const numWorkers = rateOf(situation, enough) >= MARGIN * imagesPerSecond ? enough : situation.workers;
  // What would make the loader faster is not needed.
  const settings = { ...base(situation), numWorkers, pack: false, uvThreadpoolSize: null };
  const sentence = `device-bound: the loader gives ${rate(given)} with ${threads(situation.workers)}, the devices take ${count(imagesPerSecond)}; they wait ${percent(dataShare)} of the time`;
  const advice = commonAdvice(situation, settings);
  if (numWorkers < situation.workers) advice.push(`${threads(numWorkers)} would do, and leave cores free`);
  if (trained < 0.85 * imagesPerSecond && dataShare < BURST_SHARE) {
    advice.push(
      `while images are decoded the devices do only ${rate(trained)}: they share the cores with the decode threads` +
        (usefulCache(situation, 0) === undefined
          ? ''
          : `, which cache: '${usefulCache(situation, 0)}' would end`),
    );
  }
  return { bound: 'device', sentence, settings, advice };
}

function loaderBound(situation: Situation, device: Device): Verdict {
  const { imagesPerSecond: needed, dataShare } = device;
  const given = rateOf(situation, situation.workers);
  const remedies = remediesOf(situation, needed);
  const settings = { ...base(situation), ...remedies[0]?.changes };
  const wait = `the devices wait ${percent(dataShare)} of the time`;
  const compared =
    given < needed
      ? `loader-bound: ${rate(given)} against ${count(needed)}, ${wait}`
      : `loader-bound at times: ${rate(given)} against ${count(needed)} on the whole, yet ${wait}`;
  const remedy =
    remedies.length > 0
      ? `use ${remedies.map(({ text }) => text).join(' or ')}`
      : 'no setting measured here is faster';
  const advice = [
    ...(situation.storage === 'own' ? [ownAdvice] : []),
    ...packAdvice(situation),
    ...commonAdvice(situation, settings),
  ];
  return { bound: 'loader', sentence: `${compared}; ${remedy}`, settings, advice };
}

interface Remedy {
  readonly text: string;
  readonly changes: Partial<RecommendedSettings>;
}

/** What would end the waiting, or shorten it; the first one is what is recommended. */
function remediesOf(situation: Situation, needed: number): Remedy[] {
  const given = rateOf(situation, situation.workers);
  const enough = fewest(situation, MARGIN * needed);
  const better = rateOf(situation, enough) > 1.1 * given ? { numWorkers: enough } : {};
  const remedies: Remedy[] = [];
  if (given >= MARGIN * needed) {
    // Fast enough on the whole: what is missing is a reserve for slow moments, such as the turn of an epoch.
    const prefetch = slotsThatFit(situation, 2 * situation.prefetch);
    if (prefetch > situation.prefetch) remedies.push({ text: `prefetch ${prefetch}`, changes: { prefetch } });
  } else if (better.numWorkers !== undefined && rateOf(situation, enough) >= needed) {
    remedies.push({ text: threads(enough), changes: better });
  }
  const cache = usefulCache(situation, Math.min(needed, MARGIN * rateOf(situation, enough)));
  // Not every image is in the cache, as long as the first epoch lasts.
  if (cache !== undefined) remedies.push({ text: `cache: '${cache}'`, changes: { cache, ...better } });
  if (remedies.length > 0) return remedies;
  if (better.numWorkers !== undefined) return [{ text: threads(enough), changes: better }];
  return base(situation).pack ? [{ text: 'a pack', changes: {} }] : [];
}

const ownAdvice =
  'only the calling thread can read this dataset: written to a pack (packDataset), decode threads read it';

/** The settings as they are, but for what is right whatever the verdict. */
function base(situation: Situation): RecommendedSettings {
  const { workers, prefetch, batchSize, cache, device, sharpShare, libuvThreads, cores } = situation;
  const replicas = device?.replicas ?? 1;
  return {
    numWorkers: workers,
    prefetch: slotsThatFit(situation, prefetch),
    // Replicas with one sample more than the others hold those up, and a second shape is compiled for them.
    batchSize: batchSize < replicas ? batchSize : Math.round(batchSize / replicas) * replicas,
    cache,
    pack: situation.storage === 'files' && situation.decoded && situation.readShare >= PACK_SHARE,
    uvThreadpoolSize: sharpShare > 0 && libuvThreads < cores ? cores : null,
  };
}

function commonAdvice(situation: Situation, settings: RecommendedSettings): string[] {
  const { batchSize, prefetch, sharpShare, libuvThreads } = situation;
  const advice: string[] = [];
  if (settings.uvThreadpoolSize !== null) {
    advice.push(
      `sharp decodes ${percent(sharpShare)} of the images on libuv's ${libuvThreads} threads: ` +
        `set UV_THREADPOOL_SIZE=${settings.uvThreadpoolSize} before Node.js starts`,
    );
  }
  if (settings.batchSize !== batchSize) {
    advice.push(
      `a batch of ${settings.batchSize} divides evenly among ${situation.device?.replicas} replicas, ${batchSize} does not`,
    );
  }
  if (settings.prefetch < prefetch) {
    advice.push(`prefetch ${prefetch} keeps more than 512 MiB of batches; ${settings.prefetch} is enough`);
  }
  return advice;
}

function packAdvice(situation: Situation): string[] {
  if (!base(situation).pack) return [];
  return [
    `${percent(situation.readShare)} of a sample's time is opening and reading its file: a pack (scripts/pack.js) saves most of it`,
  ];
}

/** The cache that holds the pixels, if it would be faster than `needed`, and there is none yet. */
function usefulCache(situation: Situation, needed: number): 'memory' | 'disk' | undefined {
  const { decoded, storage, cache, gather, pixelBytes, memoryForCache } = situation;
  if (!decoded || storage === 'own' || cache !== 'none' || gather < needed) return undefined;
  return pixelBytes <= memoryForCache ? 'memory' : 'disk';
}

/** Fewest threads that give `needed`; the fastest number where none does. */
function fewest(situation: Situation, needed: number): number {
  const found = choices(situation).find(({ imagesPerSecond }) => imagesPerSecond >= needed);
  return (found ?? fastest(situation)).workers;
}

const fastest = (situation: Situation): Situation['curve'][number] =>
  choices(situation).reduce((a, b) => (b.imagesPerSecond > a.imagesPerSecond ? b : a));

/** Without 0, where there is more: decoding on the calling thread holds up all that happens there. */
function choices({ curve }: Situation): Situation['curve'] {
  const threads = curve.filter(({ workers }) => workers > 0);
  return threads.length > 0 ? threads : curve;
}

const rateOf = ({ curve }: Situation, workers: number): number =>
  curve.find(point => point.workers === workers)?.imagesPerSecond ?? Number.NaN;

/** So many batches ahead, or as many as slots of 512 MiB hold; one at least. */
function slotsThatFit({ batchSize, imageBytes }: Situation, prefetch: number): number {
  return Math.max(Math.min(prefetch, Math.floor(SLOT_BYTES / (batchSize * imageBytes)) - 1), 1);
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const rate = (value: number): string => `${count(value)} img/s`;
const threads = (workers: number): string =>
  workers === 0 ? 'no worker' : `${workers} ${workers === 1 ? 'worker' : 'workers'}`;
const percent = (share: number): string => {
  const value = 100 * share;
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} %`;
};
