/** A whole run, as `scripts/train.js` makes it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainOptions } from '../../src/run/config.js';
import { train } from '../../src/run/train.js';
import { isCuda, type Outcome, type Settings } from './settings.js';

/** Of the sample's validation images after three epochs, with room for the seed. */
const leastAccuracy = 0.85;

/** For `--gpus`: this one device. */
const gpusOf = ({ device }: Settings): string =>
  device.startsWith('cpu') ? 'cpu:1' : `${device.split(':')[1] ?? 0},`;

export async function trainingCheck(settings: Settings): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gradring-training-'));
  try {
    const options: TrainOptions = {
      engine: 'torch',
      gpus: gpusOf(settings),
      cudaGraph: isCuda(settings),
      epochs: 3,
      dryRun: settings.quick,
      out: join(folder, 'run'),
    };
    const { accuracy, imagesPerSecond, seconds } = await train(options);
    const isLow = !settings.quick && !(accuracy !== null && accuracy >= leastAccuracy);
    const problems = isLow ? [`accuracy ${accuracy} is below ${leastAccuracy}`] : [];
    const rate = imagesPerSecond === null ? 'not measured' : Math.round(imagesPerSecond);
    return { figures: { accuracy: accuracy ?? 'not measured', 'img/s': rate, seconds }, problems };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
