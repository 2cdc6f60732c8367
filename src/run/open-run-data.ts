import { type OpenDataOptions, type OpenedData, openData } from '../data/open-dataset.js';
import type { TrainConfig } from './config.js';

/** The data that a run's settings name. @throws as `openData` */
export function openRunData(
  config: TrainConfig,
  own: Pick<OpenDataOptions, 'signal' | 'onProgress'>,
): Promise<OpenedData> {
  const { imageColumn, labelColumn, imageSize, fit, kernel, channels, validSplit, seed } = config;
  const { maxPixels, maxFileBytes, allowOutside, onBadSample } = config;
  const columns = { imageColumn, labelColumn };
  const images = { imageSize, fit, kernel, channels };
  const trust = { maxPixels, maxFileBytes, allowOutside, onBadSample };
  return openData(config.data, { ...columns, ...images, ...trust, validSplit, seed, ...own });
}
