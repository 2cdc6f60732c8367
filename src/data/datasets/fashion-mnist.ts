import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatasetError } from '../../errors.js';
import type { DatasetPair } from '../dataset.js';
import { IdxDataset } from './idx.js';

/** Class names of Fashion-MNIST by label. Xiao, Rasul, Vollgraf, arXiv:1708.07747. */
export const fashionClasses: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

/** Where Debian's and Ubuntu's package `dataset-fashion-mnist` installs the files. */
const DEBIAN_FOLDER = '/usr/share/datasets/fashion-mnist';

const splits = { train: ['train'], valid: ['valid', 'val', 't10k', 'test'] } as const;

/** Image and label file of each split, where a folder holds all four. */
export interface IdxFiles {
  readonly train: readonly [images: string, labels: string];
  readonly valid: readonly [images: string, labels: string];
}

/** Finds `train-images-idx3-ubyte` and its three companions (`t10k` or `test` too), plain or `.gz`. */
export function findIdxFiles(folder: string): IdxFiles | undefined {
  const find = (names: readonly string[], part: string): string | undefined =>
    names
      .flatMap(name => [`${name}-${part}-ubyte`, `${name}-${part.replace('-idx', '.idx')}-ubyte`])
      .flatMap(name => [name, `${name}.gz`])
      .map(name => join(folder, name))
      .find(file => existsSync(file));
  const pair = (names: readonly string[]): [string, string] | undefined => {
    const images = find(names, 'images-idx3');
    const labels = find(names, 'labels-idx1');
    return images !== undefined && labels !== undefined ? [images, labels] : undefined;
  };
  const train = pair(splits.train);
  const valid = pair(splits.valid);
  return train !== undefined && valid !== undefined ? { train, valid } : undefined;
}

/** Opens both splits of a folder of IDX files. @throws DatasetError */
export async function openIdxFiles(
  files: IdxFiles,
  name: string,
  classes?: readonly string[],
): Promise<DatasetPair> {
  const [train, valid] = await Promise.all([
    IdxDataset.open(...files.train, { classes, name: `${name}, train` }),
    IdxDataset.open(...files.valid, { classes, name: `${name}, valid` }),
  ]);
  return { train, valid };
}

/**
 * The full Fashion-MNIST: 60,000 training and 10,000 test images, 28x28 grey. Looks in `folder`, or where
 * Debian puts the files.
 *
 * @throws DatasetError where the files are not there, saying how to get them
 */
export async function openFashionMnist(folder = DEBIAN_FOLDER): Promise<DatasetPair> {
  const files = findIdxFiles(folder);
  if (files === undefined) {
    throw new DatasetError(`Fashion-MNIST is not in ${folder}`, {
      where: folder,
      hint:
        'on Debian or Ubuntu: apt install dataset-fashion-mnist; elsewhere: download the four .gz files from ' +
        'github.com/zalandoresearch/fashion-mnist into a folder and give --data fashion-mnist:FOLDER; ' +
        'or use the bundled --data sample',
    });
  }
  return openIdxFiles(files, 'Fashion-MNIST', fashionClasses);
}
