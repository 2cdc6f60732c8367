import { type LineChart, lineChart } from '../plot/chart.js';
import type { LoaderProfile } from './loader-profile.js';

/** Throughput by decode threads, beside what the devices take and what pixels in memory would give. */
export function profileChart({ dataset, workers, gather, device, training }: LoaderProfile): LineChart {
  const x = workers.map(({ workers }) => workers);
  const level = (name: string, value: number) => ({ name, x, y: x.map(() => value) });
  const series = [
    { name: 'loader', x, y: workers.map(({ imagesPerSecond }) => imagesPerSecond.median) },
    ...(device ? [level('devices', device.imagesPerSecond.median)] : []),
    level('in memory', gather.imagesPerSecond.median),
    ...(training ? [{ name: 'training', x: [training.workers], y: [training.imagesPerSecond.median] }] : []),
  ];
  return lineChart({
    title: `Loading ${dataset.name}`,
    x: { label: 'decode threads', whole: true },
    y: { label: 'throughput', unit: 'images / s', log: true },
    series,
  });
}
