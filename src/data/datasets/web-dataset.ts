import { closeSync } from 'node:fs';
import { DatasetError } from '../../errors.js';
import type { DatasetPair } from '../dataset.js';
import { checkFileBytes, limitsOf } from '../decode/image-limits.js';
import { firstShape, type ImageOptions, resizeOf } from '../decode/image-options.js';
import type { Records } from '../samples/sample-source.js';
import { stringTable } from '../samples/string-table.js';
import { type NumberedLabels, numberLabels, numberPair, type WrittenLabel } from './class-labels.js';
import { openFile } from './open-file.js';
import { readExactly } from './pack-format.js';
import { shardFiles } from './shard-names.js';
import { type ShardMembers, type ShardSample, shardSamples } from './shard-samples.js';
import { SourceDataset } from './source-dataset.js';
import type { TarMember } from './tar-members.js';

export interface WebDatasetOptions extends ImageOptions, ShardMembers {
  /** Class names by index. Default: of `.cls` "0" up to the largest; of names those there are, sorted. */
  readonly classes?: readonly string[];
}

/** Shards, and where their samples are. */
interface ShardIndex {
  readonly name: string;
  readonly files: readonly string[];
  readonly samples: readonly ShardSample[];
  /** Index into `files` of each sample. */
  readonly fileOf: readonly number[];
}

/**
 * Shards of samples in tar archives (github.com/webdataset/webdataset): members whose paths agree up to the first dot
 * of their names are one sample, the rest of the name says which part of it they are. The archives stay as they are;
 * their headers are read once, and images when they are wanted, in any order.
 */
export class WebDataset extends SourceDataset {
  /**
   * @param shards a path, a pattern such as `train-{000..012}.tar`, a folder of `.tar` files, or a list of these
   * @throws DatasetError naming shard and member, SampleError where the first image cannot be read, ConfigError
   */
  static async open(
    shards: string | readonly string[],
    options: WebDatasetOptions = {},
  ): Promise<WebDataset> {
    const index = await indexShards(shards, options);
    const numbered = numberLabels(writtenLabels(index), options.classes, row => describeIn(index, row));
    return WebDataset.#of(index, numbered, options);
  }

  /**
   * A training and a validation set in shards of their own; the classes are those of both.
   *
   * @throws as `open`
   */
  static async openPair(
    shards: readonly [train: string | readonly string[], valid: string | readonly string[]],
    options: WebDatasetOptions = {},
  ): Promise<DatasetPair> {
    const indices = {
      train: await indexShards(shards[0], options),
      valid: await indexShards(shards[1], options),
    };
    const [train, valid] = [indices.train, indices.valid].map(writtenLabels);
    const describe = (split: keyof DatasetPair, row: number): string => describeIn(indices[split], row);
    const numbered = numberPair(train, valid, options.classes, describe);
    return {
      train: await WebDataset.#of(indices.train, numbered.train, options),
      valid: await WebDataset.#of(indices.valid, numbered.valid, options),
    };
  }

  static async #of(
    index: ShardIndex,
    { labels, classes }: NumberedLabels,
    options: WebDatasetOptions,
  ): Promise<WebDataset> {
    const { name, files, fileOf, samples } = index;
    const limits = limitsOf(options);
    const imageShape = await firstShape(
      samples.length,
      row => () => readMember(files[fileOf[row]], samples[row].image, limits.maxFileBytes),
      options,
      row => describeIn(index, row),
    );
    const storage = recordsOf(index);
    const look = { imageShape, resize: resizeOf(options), limits };
    return new WebDataset({ name, storage, ...look, labels }, classes);
  }
}

async function indexShards(
  shards: string | readonly string[],
  options: WebDatasetOptions,
): Promise<ShardIndex> {
  const files = await shardFiles(shards);
  const samples: ShardSample[] = [];
  const fileOf: number[] = [];
  for (const [shard, file] of files.entries()) {
    for (const sample of await shardSamples(file, options)) {
      samples.push(sample);
      fileOf.push(shard);
    }
  }
  if (samples.length === 0) throw empty(files);
  return { name: files.length === 1 ? files[0] : `${files.length} shards`, files, samples, fileOf };
}

function writtenLabels({ samples }: ShardIndex): WrittenLabel[] {
  return samples.map(({ label }) => label);
}

function describeIn({ files, samples, fileOf }: ShardIndex, row: number): string {
  return `${samples[row].image.name} in ${files[fileOf[row]]}`;
}

function recordsOf({ files, samples, fileOf }: ShardIndex): Records {
  const count = samples.length;
  const starts = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * count));
  const lengths = new Uint32Array(new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT * count));
  const shards = new Uint32Array(new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT * count));
  for (const [row, { image }] of samples.entries()) {
    starts[row] = image.start;
    // Larger ones cannot be read anyway, and are not to seem small.
    lengths[row] = Math.min(image.bytes, 0xffff_ffff);
  }
  shards.set(fileOf);
  const names = stringTable(samples.map(({ image }) => image.name));
  return { kind: 'records', files, fileOf: shards, starts, lengths, encoding: 'image', names };
}

/** @throws OverLimit */
function readMember(file: string, { start, bytes }: TarMember, maxBytes: number): Buffer {
  checkFileBytes(bytes, maxBytes);
  const descriptor = openFile(file);
  try {
    return readExactly(descriptor, start, bytes);
  } finally {
    closeSync(descriptor);
  }
}

function empty(files: readonly string[]): DatasetError {
  return new DatasetError(`${files.join(', ')} hold no samples`, {
    where: files[0],
    hint: 'a sample is an image and its label under one name, such as 000.png and 000.cls',
  });
}
