/** A profile for people: tables with bars, the verdict, and what to set. */
import type { LoaderProfile, SampleSteps, WorkersProfile } from '../profile/loader-profile.js';

const BAR = 24;

/** All of it, lines without the last line break. */
export function profileLines(profile: LoaderProfile): string {
  const parts = [
    headLines(profile),
    sampleLines(profile.dataset.stepsUs),
    rateLines(profile),
    threadLines(profile.workers),
    verdictLines(profile),
  ];
  return parts.map(lines => lines.join('\n')).join('\n\n');
}

function headLines({ dataset, machine, settings }: LoaderProfile): string[] {
  const { name, images, imageShape, storage, meanFileBytes, decoders, pixelBytes } = dataset;
  const file = meanFileBytes === null ? '' : `, ${bytes(meanFileBytes)} a file`;
  const served = Object.entries(decoders).map(([decoder, share]) => `${decoder} ${percent(share)}`);
  // Where it is known: figures of a busy machine are no good.
  const busy =
    machine.loadAverage > machine.cores / 2 ? `; busy: load ${short(machine.loadAverage)} at the start` : '';
  const cache = settings.cache === 'none' ? '' : `, cache ${settings.cache}`;
  return [
    `data      ${name}: ${count(images)} images of ${imageShape.join('x')} (${storages[storage]}${file}); ${bytes(pixelBytes)} of pixels`,
    `decoder   ${served.join(', ') || 'none is needed'}`,
    `machine   ${machine.cores} cores, ${machine.processor}; libuv has ${machine.libuvThreads} threads${busy}`,
    `loader    batch ${settings.batchSize}, prefetch ${settings.prefetch}${cache}, shuffled`,
  ];
}

const storages: Readonly<Record<LoaderProfile['dataset']['storage'], string>> = {
  files: 'files',
  records: 'packed',
  raw: 'in memory',
  concatenated: 'several sources',
  own: 'a dataset of your own',
};

function sampleLines(steps: SampleSteps): string[] {
  const names = ['read', 'inflate', 'decode', 'copy'] as const;
  return [
    `one sample on one thread: ${short(steps.total)} µs, ${count(1e6 / steps.total)} img/s`,
    ...names.map(name => {
      const us = steps[name];
      return `  ${name.padEnd(8)}${short(us).padStart(9)} µs  ${bar(us / steps.total)}`.trimEnd();
    }),
  ];
}

/** Rates side by side: the loader's by threads, and what they are to be held against. */
function rateLines({ workers, device, training, gather }: LoaderProfile): string[] {
  const rows: [name: string, rate: number, note: string][] = workers.map(({ workers, imagesPerSecond }) => {
    const { median, min, max } = imagesPerSecond;
    return [workersText(workers), median, `${count(min)} … ${count(max)}`];
  });
  if (device) {
    const { devices, model, imagesPerSecond, batchMs } = device;
    const note = `${devices.join(', ')}: ${model}, ${short(batchMs.p50)} ms a step on a batch that is there`;
    rows.push(['devices', imagesPerSecond.median, note]);
  }
  if (training) {
    const { workers, imagesPerSecond, waitMs, dataShare } = training;
    const note = `${workersText(workers)}; waits for data ${percent(dataShare)} of the time, ${short(waitMs.p50)} ms a batch (p95 ${short(waitMs.p95)})`;
    rows.push(['training', imagesPerSecond.median, note]);
  }
  const longest = Math.max(...rows.map(([, rate]) => rate));
  return [
    `${'img/s'.padStart(22)}`,
    ...rows.map(
      ([name, rate, note]) =>
        `  ${name.padEnd(10)}${count(rate).padStart(10)}  ${bar(rate / longest).padEnd(BAR)}  ${note}`,
    ),
    `  ${'in memory'.padEnd(10)}${count(gather.imagesPerSecond.median).padStart(10)}  ${''.padEnd(BAR)}  gathered by one thread: the ceiling of a cache`,
  ];
}

function threadLines(workers: readonly WorkersProfile[]): string[] {
  const heads = [
    'workers',
    'batch ms p50',
    'p95',
    'p99',
    'first batch',
    'CPU/image',
    'no slot',
    'loop p99',
    'peak RSS',
  ];
  const rows = workers.map(row => [
    String(row.workers),
    short(row.batchMs.p50),
    short(row.batchMs.p95),
    short(row.batchMs.p99),
    `${short(row.firstBatchMs)} ms`,
    `${short(row.cpuUsPerImage)} µs`,
    percent(row.slotWaitShare),
    `${short(row.eventLoopDelayMs.p99)} ms`,
    bytes(row.peakRssBytes),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(row => row[i].length)) + 2);
  return [heads, ...rows].map(row => row.map((cell, i) => cell.padStart(widths[i])).join(''));
}

function verdictLines({ verdict: { sentence, settings, advice } }: LoaderProfile): string[] {
  const { numWorkers, prefetch, batchSize, cache, pack, uvThreadpoolSize } = settings;
  const set = [
    `workers ${numWorkers}`,
    `prefetch ${prefetch}`,
    `batch ${batchSize}`,
    `cache ${cache}`,
    ...(pack ? ['from a pack'] : []),
    ...(uvThreadpoolSize === null ? [] : [`UV_THREADPOOL_SIZE=${uvThreadpoolSize}`]),
  ];
  return [sentence, `settings  ${set.join(', ')}`, ...advice.map(text => `advice    ${text}`)];
}

const workersText = (workers: number): string => `${workers} ${workers === 1 ? 'worker' : 'workers'}`;

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** @param share of the longest bar, 0 … 1 */
function bar(share: number): string {
  const parts = Math.round(share * BAR * 8);
  return '█'.repeat(parts >> 3) + eighths[parts & 7];
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Three digits, or as many as a whole number has. */
const short = (value: number): string =>
  value >= 100 ? count(value) : value >= 0.0005 ? String(Number(value.toPrecision(3))) : '0';

const percent = (share: number): string => `${Number((100 * share).toFixed(share < 0.1 ? 1 : 0))} %`;

const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];

function bytes(value: number): string {
  const unit = Math.min(Math.max(Math.floor(Math.log10(Math.max(value, 1)) / 3), 0), units.length - 1);
  return `${Number((value / 1000 ** unit).toPrecision(3))} ${units[unit]}`;
}
