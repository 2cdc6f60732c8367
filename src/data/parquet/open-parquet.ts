/** Hugging Face image datasets in Parquet files. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { DatasetError } from '../../errors.js';
import { Value } from '../rows/features.js';
import { type ColumnOptions, chooseColumns } from './choose-columns.js';
import { labelCoding } from './label-coding.js';
import { chooseConfig, chooseSplits, parquetLayout, type SplitFiles } from './layout.js';
import { ParquetFile, throwIfAborted } from './parquet-file.js';
import { type ParquetOptions, ParquetSplits } from './parquet-splits.js';
import { readmeFeatures } from './readme-features.js';

export interface OpenParquetOptions extends ParquetOptions, ColumnOptions {
  /** Configuration, where there are several: the folder its files are in. */
  readonly config?: string;
  /** Splits to open. Default: all. */
  readonly splits?: readonly string[];
}

/** Files that are there already, by split, and how they are called. */
export interface ParquetSource {
  /** For people. */
  readonly name: string;
  readonly files: SplitFiles;
  /** Text of the dataset's README. */
  readonly readme?: string;
  /** Stands for the files' content where it is known: dataset and revision. */
  readonly identity?: string;
}

/**
 * Opens Parquet files of images and labels in the layout of Hugging Face: a file, several, or a folder. Splits are
 * told by the file names (`train-00000-of-00001.parquet`; see `parquetLayout`); files of other names are `train`.
 * Only the footers are read, and where the labels are no `ClassLabel` their column.
 *
 * @throws DatasetError where a file is no Parquet file, a shard, a column or a split is missing, or which one is meant
 * is not clear; AbortedError
 */
export async function openParquet(
  path: string | readonly string[],
  options: OpenParquetOptions = {},
): Promise<ParquetSplits> {
  const { root, paths } = parquetPaths(path);
  const layout = parquetLayout(paths, root);
  const chosen = chooseSplits(chooseConfig(layout, options.config, root), options.splits, root);
  const files = Object.fromEntries(
    Object.entries(chosen).map(([split, names]) => [split, names.map(name => join(root, name))]),
  );
  const readmeFile = join(root, 'README.md');
  const readme = existsSync(readmeFile) ? readFileSync(readmeFile, 'utf8') : undefined;
  return openParquetSource({ name: root, files, readme }, options);
}

/** As `openParquet`, of files whose splits are known. */
export async function openParquetSource(
  { name, files, readme, identity }: ParquetSource,
  options: OpenParquetOptions,
): Promise<ParquetSplits> {
  const entries: [string, readonly ParquetFile[]][] = [];
  for (const [split, paths] of Object.entries(files)) {
    throwIfAborted(options.signal, name);
    entries.push([split, await Promise.all(paths.map(path => ParquetFile.open(path)))]);
  }
  const all = entries.flatMap(([, opened]) => opened);
  const fromReadme = readme === undefined ? {} : readmeFeatures(readme, options.config);
  const features = Object.fromEntries(
    Object.entries(all[0].features).map(([column, feature]) => [
      column,
      // The footer is nearer to the data than what was written about it.
      feature instanceof Value ? (fromReadme[column] ?? feature) : feature,
    ]),
  );
  const columns = chooseColumns(features, options, name);
  checkAlike(all, columns.image, columns.label);
  const coding = await labelCoding(all, columns.label, features[columns.label], options.signal);
  return new ParquetSplits(
    { name, identity, files: Object.fromEntries(entries), features, ...columns, coding },
    options,
  );
}

/** Whether a folder has Parquet files where `openParquet` looks for them. */
export const hasParquet = (folder: string): boolean => parquetBelow(folder, true).length > 0;

function parquetPaths(path: string | readonly string[]): { root: string; paths: readonly string[] } {
  if (typeof path !== 'string') {
    const files = path.map(file => resolve(file));
    if (files.length === 0)
      throw new DatasetError('no Parquet files are given', {
        where: 'openParquet',
        hint: 'name at least one',
      });
    const root = commonFolder(files);
    return { root, paths: files.map(file => portable(relative(root, file))) };
  }
  const root = resolve(path);
  const kind = statSync(root, { throwIfNoEntry: false });
  if (kind === undefined)
    throw new DatasetError(`there is no ${root}`, {
      where: root,
      hint: 'give a Parquet file or a folder of them',
    });
  // A file by itself is opened by itself, whatever its name says of others.
  if (kind.isFile()) return { root: resolve(root, '..'), paths: [basename(root)] };
  return { root, paths: parquetBelow(root) };
}

/** How deep below a folder files are looked for: `config/split/0000.parquet`. */
const DEPTH = 3;

/** @param any whether one is enough */
function parquetBelow(root: string, any = false, folder = '', depth = 0): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const shown = entries.filter(({ name }) => !name.startsWith('.'));
  const found = shown
    .filter(entry => entry.name.endsWith('.parquet') && !entry.isDirectory())
    .map(({ name }) => portable(join(folder, name)));
  for (const entry of shown) {
    if (!entry.isDirectory() || depth === DEPTH || (any && found.length > 0)) continue;
    found.push(...parquetBelow(root, any, join(folder, entry.name), depth + 1));
  }
  return found;
}

function commonFolder(files: readonly string[]): string {
  let folder = resolve(files[0], '..');
  while (!files.every(file => file.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
    folder = resolve(folder, '..');
  return folder;
}

const portable = (path: string): string => path.split(sep).join('/');

/** Label i must mean the same class in all files. */
function checkAlike(files: readonly ParquetFile[], image: string, label: string): void {
  const text = (file: ParquetFile, column: string): string => JSON.stringify(file.features[column] ?? null);
  for (const column of [image, label]) {
    const odd = files.find(file => text(file, column) !== text(files[0], column));
    if (odd === undefined) continue;
    throw new DatasetError(`column ${column} of ${odd.path} is not as in ${files[0].path}`, {
      where: odd.path,
      hint: `there it is ${text(odd, column)}, here ${text(files[0], column)}; open them by themselves`,
    });
  }
}
