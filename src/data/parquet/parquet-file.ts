/** One Parquet file, read row group by row group. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { AbortedError, DatasetError } from '../../errors.js';
import type { Features } from '../rows/features.js';
import { checkMetadata } from './check-metadata.js';
import { featuresOf } from './features.js';

/** Some columns of a row group. */
export interface RowGroup {
  /** Number of the group in its file. */
  readonly index: number;
  /** Row of the file that its first row is. */
  readonly firstRow: number;
  readonly numRows: number;
  /**
   * Values by column, one a row: whole numbers as numbers where they are safe, strings, `Uint8Array`s, structs as
   * objects, null where there is none. Byte arrays are views of the group's buffer: copy those that are kept.
   */
  readonly columns: Readonly<Record<string, ArrayLike<unknown>>>;
}

export interface RowGroupsOptions {
  /** Default: all. */
  readonly columns?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Where a row group lies. */
export interface GroupRange {
  readonly firstRow: number;
  readonly numRows: number;
}

/**
 * A Parquet file: its footer is read when it is opened, its rows when they are asked for, and no more than one row
 * group at a time. Compression: none, snappy, gzip, brotli, zstd, LZ4.
 */
export class ParquetFile {
  readonly path: string;
  readonly numRows: number;
  /** From the metadata that Hugging Face `datasets` puts into the footer, or told by the types. */
  readonly features: Features;
  readonly groups: readonly GroupRange[];
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;

  private constructor(path: string, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path;
    this.#buffer = buffer;
    this.#metadata = metadata;
    this.numRows = Number(metadata.num_rows);
    this.features = featuresOf(metadata, path);
    let firstRow = 0;
    this.groups = metadata.row_groups.map(({ num_rows }) => {
      const group = { firstRow, numRows: Number(num_rows) };
      firstRow += group.numRows;
      return group;
    });
  }

  /** @throws DatasetError where it cannot be read or is no Parquet file */
  static async open(file: string): Promise<ParquetFile> {
    const path = resolve(file);
    const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
    try {
      const buffer = await fileBuffer(path);
      const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
      checkMetadata(metadata, parquetSchema(metadata), buffer.byteLength);
      return new ParquetFile(path, buffer, metadata);
    } catch (cause) {
      if (cause instanceof DatasetError) throw cause;
      const { code, message } = cause as NodeJS.ErrnoException;
      throw new DatasetError(`cannot read ${path} as Parquet: ${message}`, {
        where: path,
        hint:
          code === undefined
            ? 'the file is damaged, was cut short, or is of another format'
            : 'check the path and its permissions',
        cause,
      });
    }
  }

  get columnNames(): readonly string[] {
    return Object.keys(this.features);
  }

  /**
   * The file's row groups, in order, each read when it is its turn.
   *
   * @throws DatasetError naming file and row group where one cannot be read; AbortedError
   */
  async *rowGroups({ columns, signal }: RowGroupsOptions = {}): AsyncGenerator<RowGroup, void, undefined> {
    for (const index of this.groups.keys()) {
      throwIfAborted(signal, this.path);
      yield await this.readGroup(index, columns);
    }
  }

  /** One row group. @throws DatasetError naming file and row group, or a column that is not there */
  async readGroup(index: number, columns: readonly string[] = this.columnNames): Promise<RowGroup> {
    const unknown = columns.find(name => !(name in this.features));
    if (unknown !== undefined) throw this.#noColumn(unknown);
    const { firstRow, numRows } = this.groups[index];
    const [{ parquetScan }, { checkedBuffer }] = await Promise.all([
      import('hyparquet'),
      import('./check-pages.js'),
    ]);
    try {
      const scan = await parquetScan({
        file: checkedBuffer(this.#buffer, this.#metadata.row_groups[index]),
        metadata: this.#metadata,
        columns: [...columns],
        // Or bytes without a type become strings, and images are lost.
        utf8: false,
        useOffsetIndex: false,
        compressors: await decompressors(),
      });
      const entries: [string, ArrayLike<unknown>][] = [];
      for (const column of columns) {
        const values = await scan.readColumn({ column, rowStart: firstRow, rowEnd: firstRow + numRows });
        if (values.length !== numRows)
          throw new Error(`column ${column} has ${values.length} values for ${numRows} rows`);
        entries.push([column, plainNumbers(values)]);
      }
      return { index, firstRow, numRows, columns: Object.fromEntries(entries) };
    } catch (cause) {
      throw new DatasetError(
        `cannot read row group ${index} (rows ${firstRow} … ${firstRow + numRows - 1}) of ${this.path}: ` +
          `${(cause as Error).message}`,
        {
          where: `row group ${index} of ${this.path}`,
          hint: 'the file is damaged or was cut short: get it again',
          cause,
        },
      );
    }
  }

  #noColumn(name: string): DatasetError {
    return new DatasetError(`${this.path} has no column '${name}'`, {
      where: this.path,
      hint: `its columns are ${this.columnNames.join(', ')}`,
    });
  }
}

/** @throws AbortedError */
export function throwIfAborted(signal: AbortSignal | undefined, where: string): void {
  if (signal?.aborted !== true) return;
  throw new AbortedError('opening the dataset was aborted', {
    where,
    hint: 'the signal given to it was aborted; what is complete is kept, so that the next time goes on from there',
    cause: signal.reason,
  });
}

/** A file as hyparquet reads it. Opened for each read, which is a column of a row group: so nothing needs closing. */
async function fileBuffer(path: string): Promise<AsyncBuffer> {
  const { size: byteLength } = await stat(path);
  const slice = async (start: number, end = byteLength): Promise<ArrayBuffer> => {
    const bytes = new Uint8Array(end - start);
    const handle = await open(path, 'r');
    try {
      await readFully(handle, bytes, start);
    } finally {
      await handle.close();
    }
    return bytes.buffer;
  };
  return { byteLength, slice };
}

async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new Error(`the file ends ${target.length - done} bytes early`);
    done += bytesRead;
  }
}

async function decompressors(): Promise<Compressors> {
  const { compressors } = await import('hyparquet-compressors');
  // Node's own are several times as fast as those in JavaScript; no page may become larger than it says.
  return {
    ...compressors,
    GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(length, 1) }),
    BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(length, 1) }),
  };
}

/** 64-bit integers come as BigInts, which no other number can be compared or added to. */
function plainNumbers(values: ArrayLike<unknown>): ArrayLike<unknown> {
  if (ArrayBuffer.isView(values) && !(values instanceof BigInt64Array || values instanceof BigUint64Array))
    return values;
  return Array.from(values, value =>
    typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
  );
}
