/** A training and a validation set, packed into one folder that `openData` opens. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatasetError, GradringError } from '../errors.js';
import type { DatasetPair } from './dataset.js';
import { type PackOptions, type PackReport, packDataset } from './pack-dataset.js';

export interface PackPairOptions extends Omit<PackOptions, 'onProgress'> {
  /** Whether packs that are there already are replaced, once the new ones are whole. Default false: they are kept. */
  readonly force?: boolean;
  readonly onProgress?: (split: keyof DatasetPair, images: number) => void;
  /** Called once a set is packed. */
  readonly onPacked?: (split: keyof DatasetPair, report: PackReport) => void;
}

const splits = ['train', 'valid'] as const;

/**
 * Writes `train.pack` and `valid.pack`, both or none: they get their names when both are whole, and a folder that was
 * made for them goes again when they are not.
 *
 * @throws DatasetError where there are packs already, and what `packDataset` throws
 */
export async function packPair(
  pair: DatasetPair,
  folder: string,
  { force = false, onProgress, onPacked, ...options }: PackPairOptions = {},
): Promise<Record<keyof DatasetPair, PackReport>> {
  const target = resolve(folder);
  checkTarget(target, force);
  let made: string | undefined;
  try {
    made = await mkdir(target, { recursive: true });
    const stage = await mkdtemp(join(target, '.packing-'));
    try {
      const pack = async (split: keyof DatasetPair): Promise<PackReport> => {
        const ofSplit = { ...options, onProgress: (images: number) => onProgress?.(split, images) };
        const report = await packDataset(pair[split], join(stage, `${split}.pack`), ofSplit);
        onPacked?.(split, report);
        return report;
      };
      const reports = { train: await pack('train'), valid: await pack('valid') };
      for (const split of splits) await rename(join(stage, `${split}.pack`), join(target, `${split}.pack`));
      return reports;
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
  } catch (error) {
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    throw unwritable(target, error);
  }
}

/** A full disk, a folder that may not be written: errors of the system, told as ours. */
function unwritable(folder: string, error: unknown): unknown {
  if (error instanceof GradringError || !(error instanceof Error) || !('syscall' in error)) return error;
  return new DatasetError(`cannot write packs into ${folder}: ${error.message}`, {
    where: folder,
    hint: 'check its permissions and the space left on the disk',
    cause: error,
  });
}

/** @throws DatasetError where packs would be overwritten */
export function checkTarget(folder: string, force: boolean): void {
  const there = splits.map(split => join(folder, `${split}.pack`)).find(file => existsSync(file));
  if (there === undefined || force) return;
  throw new DatasetError(`${there} is there already`, {
    where: there,
    hint: 'choose another folder, or replace it: --force',
  });
}
