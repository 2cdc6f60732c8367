/** What `--data` means. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultSeed } from '../default-seed.js';
import { ConfigError, DatasetError } from '../errors.js';
import { packageRoot } from '../package-root.js';
import type { DatasetPair } from './dataset.js';
import { findIdxFiles, openFashionMnist, openIdxFiles } from './datasets/fashion-mnist.js';
import { classFolders, ImageFolder, type ImageFolderOptions } from './datasets/image-folder.js';
import { PackDataset } from './datasets/pack.js';
import { stratifiedSplit } from './datasets/subset.js';
import { resizeOf } from './decode/image-options.js';

export interface OpenDataOptions extends ImageFolderOptions {
  /** Part of each class that becomes the validation set where the folder has none, 0 … 1 exclusive. Default 0.2. */
  readonly validSplit?: number;
  /** Of that split. Default: that of `setSeed`, 42. */
  readonly seed?: number;
}

/** Both splits, and what was opened, for people. */
export interface OpenedData extends DatasetPair {
  readonly name: string;
}

const validNames = ['valid', 'val', 'test'];

/**
 * Opens a training and a validation set:
 *
 * | spec | |
 * |---|---|
 * | `sample` | the bundled 12,000 images of Fashion-MNIST |
 * | `fashion-mnist`, `fashion-mnist:FOLDER` | the full set |
 * | folder with `train.pack`, `valid.pack` | packs |
 * | folder with IDX files | `train-images-idx3-ubyte` …, plain or `.gz` |
 * | folder with `train/` and `valid/`, `val/` or `test/` | class folders of images in both |
 * | folder of class folders | images, split by `validSplit` class by class |
 *
 * @throws DatasetError where it cannot be opened or the splits do not fit each other, ConfigError on bad options
 */
export async function openData(spec: string, options: OpenDataOptions = {}): Promise<OpenedData> {
  checkOptions(options);
  const { name, ...pair } = await openSpec(spec, options);
  checkPair(pair, name);
  return { name, ...pair };
}

async function openSpec(spec: string, options: OpenDataOptions): Promise<OpenedData> {
  if (spec === 'sample') {
    const folder = join(packageRoot(), 'data', 'fashion-mnist-sample');
    return { name: 'Fashion-MNIST sample', ...(await openPacks(folder)) };
  }
  const [name, folder] = /^(fashion-mnist)(?::(.+))?$/.exec(spec)?.slice(1) ?? [];
  if (name !== undefined) return { name: 'Fashion-MNIST', ...(await openFashionMnist(folder)) };
  return { name: resolve(spec), ...(await openFolder(resolve(spec), options)) };
}

async function openFolder(folder: string, options: OpenDataOptions): Promise<DatasetPair> {
  if (!isFolder(folder)) {
    throw new DatasetError(`there is no folder ${folder}`, {
      where: folder,
      hint: '--data takes sample, fashion-mnist, or a folder',
    });
  }
  if (existsSync(join(folder, 'train.pack'))) return openPacks(folder);
  const idx = findIdxFiles(folder);
  if (idx !== undefined) return openIdxFiles(idx, folder);
  const folders = await classFolders(folder);
  if (!folders.includes('train')) {
    const whole = await ImageFolder.open(folder, options);
    return stratifiedSplit(whole, options.validSplit ?? 0.2, options.seed ?? defaultSeed());
  }
  const valid = validNames.find(name => folders.includes(name));
  if (valid === undefined) {
    throw new DatasetError(`${folder} has train but none of ${validNames.join(', ')}`, {
      where: folder,
      hint: 'add a validation folder with the same classes, or give the train folder itself to have it split',
    });
  }
  return {
    train: await ImageFolder.open(join(folder, 'train'), options),
    valid: await ImageFolder.open(join(folder, valid), options),
  };
}

async function openPacks(folder: string): Promise<DatasetPair> {
  const [train, valid] = await Promise.all(
    ['train', 'valid'].map(split => PackDataset.open(join(folder, `${split}.pack`))),
  );
  return { train, valid };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function checkOptions({ validSplit = 0.2, ...options }: OpenDataOptions): void {
  if (!(validSplit > 0 && validSplit < 1)) {
    throw new ConfigError(`validSplit is ${validSplit}`, {
      where: 'validSplit',
      hint: 'a number between 0 and 1',
    });
  }
  resizeOf(options);
}

function checkPair({ train, valid }: DatasetPair, name: string): void {
  const [shape, other] = [train, valid].map(({ imageShape }) => imageShape.join('x'));
  if (shape !== other) {
    throw new DatasetError(`images of ${name} are ${shape} in train and ${other} in valid`, {
      where: name,
      hint: 'give imageSize and channels, and both are brought to it',
    });
  }
  // Label i must mean the same class in both, so the order counts too.
  const agree = train.classes.length === valid.classes.length;
  if (agree && train.classes.every((label, i) => label === valid.classes[i])) return;
  throw new DatasetError(`train and valid of ${name} have different classes`, {
    where: name,
    hint: `train has ${train.classes.join(', ')}; valid has ${valid.classes.join(', ')}`,
  });
}
