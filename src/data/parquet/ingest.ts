/**
 * Parquet to pack: a row of a Parquet file cannot be read without its row group, so the images of a split are copied
 * once, row group by row group, to a file in which each can be read by itself.
 */
import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatasetError, SampleError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import { PackDataset } from '../datasets/pack.js';
import { type PackHeader, VERSION } from '../datasets/pack-format.js';
import { type PackRecord, writePack } from '../datasets/write-pack.js';
import { type ImageOptions, shapeOf, shapesTried } from '../decode/image-options.js';
import { imageBytesOf } from './image-bytes.js';
import type { LabelCoding } from './label-coding.js';
import type { ParquetFile } from './parquet-file.js';

/** Counts up when what is written of the same files changes. */
const INGEST_VERSION = 1;

/** Rows are numbered in 32 bits. */
const MAX_ROWS = 0xffff_0000;

/** One split, and how it is read. */
export interface SplitSource {
  /** For people: dataset and split. */
  readonly name: string;
  readonly files: readonly ParquetFile[];
  readonly image: string;
  readonly label: string;
  readonly coding: LabelCoding;
}

export interface IngestOptions {
  /** How the images are read: the pack holds them as they are. */
  readonly images?: ImageOptions;
  readonly signal?: AbortSignal;
  /** Called after each row group. */
  readonly onRows?: (done: number, total: number) => void;
}

/**
 * Tells whether a pack was made of these files: 16 hex digits over their paths, sizes, times of change, the columns
 * and the classes.
 *
 * @param identity what stands for path and time of the files where their content is known otherwise, such as the
 * revision they were downloaded at
 */
export async function fingerprint(source: SplitSource, identity?: string): Promise<string> {
  const files = await Promise.all(
    source.files.map(async ({ path, numRows }) => {
      const { size, mtimeMs } = await stat(path);
      return identity === undefined ? [path, size, mtimeMs, numRows] : [size, numRows];
    }),
  );
  const { name, image, label, coding } = source;
  const parts = [INGEST_VERSION, VERSION, identity ?? '', name, image, label, coding.classes, files];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/**
 * The pack of a split: the one that is there, or one that is written. Another process that does the same at the same
 * time writes the same file, and the last one stays.
 *
 * @throws DatasetError naming file and row, SampleError where the first image cannot be read, AbortedError
 */
export async function ingest(
  source: SplitSource,
  pack: string,
  options: IngestOptions = {},
): Promise<PackDataset> {
  const ready = await openSound(pack, source, options.images);
  if (ready !== undefined) return ready;
  const count = source.files.reduce((sum, { numRows }) => sum + numRows, 0);
  if (count === 0)
    throw new DatasetError(`${source.name} has no rows`, {
      where: source.name,
      hint: 'choose another split',
    });
  if (count > MAX_ROWS)
    throw new DatasetError(`${source.name} is said to have ${count} rows`, {
      where: source.name,
      hint: 'the file is damaged, or has to be split',
    });
  await mkdir(dirname(pack), { recursive: true });
  const records = recordsOf(source, count, options);
  const { shape, tried } = await shapeOfRecords(records, source.files[0].path, options.images);
  const [height, width, channels] = shape;
  const header: PackHeader = {
    count,
    classes: [...source.coding.classes],
    imageShape: [height, width, channels === 1 ? 1 : 3],
    encoding: 'image',
    source: source.name,
    licence: '',
  };
  await writePack(pack, header, withFirst(tried, records));
  return PackDataset.open(pack, options.images);
}

/** Undefined where there is none, or one that is damaged. */
async function openSound(
  pack: string,
  { files, coding }: SplitSource,
  images?: ImageOptions,
): Promise<PackDataset | undefined> {
  try {
    const dataset = await PackDataset.open(pack, images);
    const count = files.reduce((sum, { numRows }) => sum + numRows, 0);
    return dataset.length === count && dataset.classes.join('\n') === coding.classes.join('\n')
      ? dataset
      : undefined;
  } catch (error) {
    if (error instanceof DatasetError) return undefined;
    throw error;
  }
}

type Records = AsyncGenerator<PackRecord, void, undefined>;

/** Shape of the first image; of the first that can be read, where bad samples are skipped. */
async function shapeOfRecords(
  records: Records,
  file: string,
  images: ImageOptions = {},
): Promise<{ shape: ImageShape; tried: readonly PackRecord[] }> {
  const tried: PackRecord[] = [];
  const { maxPixels, maxFileBytes } = images;
  const most = shapesTried(images);
  for (;;) {
    const next = await records.next();
    // What is read next may lie in the same buffer.
    if (next.done !== true) tried.push({ ...next.value, bytes: next.value.bytes.slice() });
    const row = tried.length - 1;
    try {
      const shape = await shapeOf(tried[row].bytes, { maxPixels, maxFileBytes }, `row ${row} of ${file}`);
      return { shape, tried };
    } catch (error) {
      if (!(error instanceof SampleError) || tried.length === most || next.done === true) throw error;
    }
  }
}

async function* withFirst(first: readonly PackRecord[], rest: Records): Records {
  yield* first;
  yield* rest;
}

async function* recordsOf(
  { files, image, label, coding }: SplitSource,
  total: number,
  { signal, onRows }: IngestOptions,
): Records {
  let done = 0;
  for (const file of files) {
    for await (const { firstRow, numRows, columns } of file.rowGroups({ columns: [image, label], signal })) {
      for (let i = 0; i < numRows; i++) {
        const row = firstRow + i;
        const index = coding.indexOf(columns[label][i]);
        if (index === undefined) throw noClass(columns[label][i], label, row, file.path, coding);
        yield { bytes: imageBytesOf(columns[image][i], image, row, file.path), label: index };
      }
      done += numRows;
      onRows?.(done, total);
    }
  }
}

function noClass(
  value: unknown,
  column: string,
  row: number,
  file: string,
  { classes }: LabelCoding,
): DatasetError {
  const where = `row ${row} of ${file}`;
  return new DatasetError(
    `${column} of ${where} is ${String(value)}, none of the ${classes.length} classes`,
    {
      where,
      hint:
        value === -1 || value === null || value === undefined
          ? 'the split has no labels, as test sets of competitions have none: train and judge on others'
          : `classes are 0 … ${classes.length - 1}: ${classes.slice(0, 10).join(', ')}`,
    },
  );
}
