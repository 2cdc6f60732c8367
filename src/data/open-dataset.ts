/** What `--data` means. */
import { defaultSeed } from '../default-seed.js';
import { ConfigError, DatasetError } from '../errors.js';
import type { DatasetPair } from './dataset.js';
import type { Confinement } from './datasets/list-images.js';
import { limitsOf } from './decode/image-limits.js';
import { type ImageOptions, resizeOf } from './decode/image-options.js';
import type { DataProgress } from './parquet/parquet-splits.js';
import { openSpec } from './spec-kinds.js';

export interface OpenDataOptions extends ImageOptions, Confinement {
  /** Column of the images in Parquet files, of their paths in a manifest. Default: the only one, or of a usual name. */
  readonly imageColumn?: string;
  /** Column of the labels in Parquet files and manifests. Default: the only one, or of a usual name. */
  readonly labelColumn?: string;
  /** Part of each class that becomes the validation set where the data have none, 0 … 1 exclusive. Default 0.2. */
  readonly validSplit?: number;
  /** Of that split. Default: that of `setSeed`, 42. */
  readonly seed?: number;
  /** Ends downloading and copying with an AbortedError. */
  readonly signal?: AbortSignal;
  /** Told while a dataset of the hub is downloaded, and Parquet files are copied to packs. */
  readonly onProgress?: (progress: DataProgress) => void;
}

/** Both splits, and what was opened, for people. */
export interface OpenedData extends DatasetPair {
  readonly name: string;
}

/**
 * Opens a training and a validation set:
 *
 * | spec | |
 * |---|---|
 * | `sample` | the bundled 12,000 images of Fashion-MNIST |
 * | `fashion-mnist`, `fashion-mnist:FOLDER` | the full set |
 * | folder with `train.pack`, `valid.pack` | packs |
 * | folder with IDX files | `train-images-idx3-ubyte` …, plain or `.gz` |
 * | folder with `train.csv`, `valid.csv` | manifests; `.tsv`, `.jsonl` and `.ndjson` too |
 * | folder with `train-….tar`, `valid-….tar` | WebDataset shards; those of other names are split |
 * | folder with `train/` and `valid/` | class folders of images in both |
 * | folder of class folders | images, split by `validSplit` class by class |
 * | `.csv`, `.tsv`, `.jsonl`, `.ndjson` file | a manifest, split by its column `split`, or by `validSplit` |
 * | `.tar` file, or `train-{000..012}.tar` | WebDataset shards, split by `validSplit` |
 * | `.parquet` file, or a folder with some | Hugging Face's layout; one split by itself is split by `validSplit` |
 * | `hf:owner/name`, `hf:owner/name@revision:config` | a dataset of the Hugging Face hub, in Parquet |
 *
 * For `valid` stands `validation`, `val` or `test` too.
 *
 * @throws DatasetError where it cannot be opened or the splits do not fit each other, ConfigError on bad options
 */
export async function openData(spec: string, options: OpenDataOptions = {}): Promise<OpenedData> {
  checkOptions(options);
  const { validSplit = 0.2, seed = defaultSeed() } = options;
  const { name, ...pair } = await openSpec(spec, { ...options, validSplit, seed });
  checkPair(pair, name);
  return { name, ...pair };
}

function checkOptions({ validSplit = 0.2, ...options }: OpenDataOptions): void {
  if (!(validSplit > 0 && validSplit < 1)) {
    throw new ConfigError(`validSplit is ${validSplit}`, {
      where: 'validSplit',
      hint: 'a number between 0 and 1',
    });
  }
  resizeOf(options);
  limitsOf(options);
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
