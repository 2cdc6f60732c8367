import { basename, join, resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import { cacheFolder } from '../cache/cache-folder.js';
import type { Dataset } from '../dataset.js';
import { type ImageOptions, resizeOf } from '../decode/image-options.js';
import { imageColumn } from '../rows/column.js';
import { DatasetDict } from '../rows/dataset-dict.js';
import { ClassLabel, type Features, Image } from '../rows/features.js';
import { type Row, Rows } from '../rows/rows.js';
import { fingerprint, ingest } from './ingest.js';
import type { LabelCoding } from './label-coding.js';
import type { ParquetFile } from './parquet-file.js';
import { parquetColumn } from './parquet-rows.js';

/** How far opening a dataset has come. */
export interface DataProgress {
  /** `download`: bytes of files; `ingest`: rows of a split. */
  readonly phase: 'download' | 'ingest';
  readonly done: number;
  readonly total: number;
  /** File or split, for people. */
  readonly what: string;
}

export interface ParquetOptions extends ImageOptions {
  /** Folder for the packs. Default: `parquet` within the cache folder, which `GRADRING_CACHE` names. */
  readonly cacheDir?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DataProgress) => void;
}

interface SplitsParts {
  readonly name: string;
  readonly identity?: string;
  readonly files: Readonly<Record<string, readonly ParquetFile[]>>;
  readonly features: Features;
  readonly image: string;
  readonly label: string;
  readonly coding: LabelCoding;
}

/**
 * The splits of a Parquet dataset. A split is copied to a pack in the cache folder when it is first asked for, and
 * from then on opened there for as long as its files stay as they are.
 */
export class ParquetSplits {
  /** Folder or name of the dataset. */
  readonly name: string;
  /** All columns; that of the labels is a `ClassLabel`, whatever the files say of it. */
  readonly features: Features;
  /** Column of the images. */
  readonly image: string;
  /** Column of the labels. */
  readonly label: string;
  /** The files of each split. */
  readonly files: Readonly<Record<string, readonly ParquetFile[]>>;
  readonly #parts: SplitsParts;
  readonly #options: ParquetOptions;
  readonly #datasets = new Map<string, Promise<Dataset>>();

  constructor(parts: SplitsParts, options: ParquetOptions) {
    // Checked here, before anything is copied.
    resizeOf(options);
    this.name = parts.name;
    this.image = parts.image;
    this.label = parts.label;
    this.files = parts.files;
    this.features = { ...parts.features, [parts.label]: new ClassLabel(parts.coding.classes) };
    this.#parts = parts;
    this.#options = options;
  }

  get names(): readonly string[] {
    return Object.keys(this.files);
  }

  get classes(): readonly string[] {
    return this.#parts.coding.classes;
  }

  /** Rows of a split, without copying it. @throws DatasetError where there is no such split */
  numRows(split: string): number {
    return this.#filesOf(split).reduce((sum, { numRows }) => sum + numRows, 0);
  }

  /**
   * Images and labels of a split.
   *
   * @throws DatasetError naming file and row where an image or label is not usable; AbortedError
   */
  dataset(split: string): Promise<Dataset> {
    const opened = this.#datasets.get(split) ?? this.#open(split);
    this.#datasets.set(split, opened);
    // After a failure it can be tried again.
    opened.catch(() => this.#datasets.delete(split));
    return opened;
  }

  /** All columns of a split as a table; those but images and labels are read from the Parquet files when wanted. */
  async rows(split: string): Promise<Rows<Row>> {
    const dataset = await this.dataset(split);
    const files = this.#filesOf(split);
    const columns = Object.keys(this.features).map(name => {
      if (name === this.image) return [name, imageColumn(dataset)] as const;
      if (name === this.label) return [name, dataset.labels] as const;
      return [name, parquetColumn(files, name, this.features)] as const;
    });
    const features = { ...this.features, [this.image]: new Image(dataset.imageShape) };
    return Rows.from<Row>(Object.fromEntries(columns), features);
  }

  /** All splits as tables. */
  async dict(): Promise<DatasetDict> {
    const entries: [string, Rows<Row>][] = [];
    for (const split of this.names) entries.push([split, await this.rows(split)]);
    return new DatasetDict(Object.fromEntries(entries));
  }

  #filesOf(split: string): readonly ParquetFile[] {
    const files = this.files[split];
    if (files !== undefined) return files;
    throw new DatasetError(`${this.name} has no split '${split}'`, {
      where: this.name,
      hint: `the splits are ${this.names.join(', ')}`,
    });
  }

  async #open(split: string): Promise<Dataset> {
    const { identity, image, label, coding } = this.#parts;
    const { cacheDir, signal, onProgress, ...images } = this.#options;
    const name = `${split} of ${this.name}`;
    const source = { name, files: this.#filesOf(split), image, label, coding };
    const folder = cacheDir === undefined ? cacheFolder('parquet') : resolve(cacheDir);
    const called = (identity === undefined ? basename(this.name) : this.name).replace(/[^\w.@-]+/g, '--');
    const pack = join(folder, `${called}-${split}-${await fingerprint(source, identity)}.pack`);
    const onRows = (done: number, total: number): void =>
      onProgress?.({ phase: 'ingest', done, total, what: name });
    return ingest(source, pack, { images, signal, onRows });
  }
}
