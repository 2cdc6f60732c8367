import type { LoaderProfile } from './loader-profile.js';
import type { Situation } from './verdict.js';

/** The figures of a profile that its verdict depends on. @param trained threads that the training had */
export function situationOf(
  { settings, machine, dataset, workers, gather, device, training }: Omit<LoaderProfile, 'verdict'>,
  trained: number,
): Situation {
  const { stepsUs } = dataset;
  const feeding = device &&
    training && {
      replicas: device.devices.length,
      imagesPerSecond: device.imagesPerSecond.median,
      trained: training.imagesPerSecond.median,
      waitMs: training.waitMs.p50,
      dataShare: training.dataShare,
    };
  return {
    curve: workers.map(({ workers, imagesPerSecond }) => ({
      workers,
      imagesPerSecond: imagesPerSecond.median,
    })),
    workers: trained,
    cores: machine.cores,
    prefetch: settings.prefetch,
    batchSize: settings.batchSize,
    cache: settings.cache,
    gather: gather.imagesPerSecond.median,
    device: feeding ?? undefined,
    storage: dataset.storage,
    decoded: dataset.decoded,
    readShare: stepsUs.read / stepsUs.total,
    sharpShare: dataset.decoders.sharp ?? 0,
    libuvThreads: machine.libuvThreads,
    pixelBytes: dataset.pixelBytes,
    imageBytes: dataset.pixelBytes / dataset.images,
    memoryForCache: machine.memoryForCacheBytes,
  };
}
