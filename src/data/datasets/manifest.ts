import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import type { DatasetPair } from '../dataset.js';
import { limitsOf } from '../decode/image-limits.js';
import { firstShape, type ImageOptions, resizeOf } from '../decode/image-options.js';
import { filePath } from '../samples/sample-source.js';
import { stringTable } from '../samples/string-table.js';
import { type NumberedLabels, numberLabels, numberPair, type WrittenLabel } from './class-labels.js';
import { type Confinement, isWithin, refuseOutside } from './list-images.js';
import { describeRow, findColumn, type ManifestTable, readManifest } from './manifest-table.js';
import { SourceDataset } from './source-dataset.js';
import { Subset, stratifiedSplit } from './subset.js';

export interface ManifestOptions extends ImageOptions, Confinement {
  /** Column of the images' paths. Default: `path`, `file`, `image`, `filename` or `file_name`. */
  readonly pathColumn?: string;
  /** Column of the labels: class names, or indices from 0. Default: `label`, `class`, `category` or `target`. */
  readonly labelColumn?: string;
  /** Column that says which set a row belongs to. Default: `split`, where there is one. */
  readonly splitColumn?: string;
  /** Class names by index. Default: the names there are, sorted; of indices "0" up to the largest. */
  readonly classes?: readonly string[];
  /** What paths are relative to, and may not lead out of. Default: the folder of the manifest. */
  readonly root?: string;
  /** Whether to look for every file, and where links lead, when opening. Default: a missing one is found when read. */
  readonly check?: boolean;
}

const usualPaths = ['path', 'file', 'image', 'filename', 'file_name'];
const usualLabels = ['label', 'class', 'category', 'target'];

/** Values of the split column; of those for judging the first that occurs is taken. */
const trainNames = ['train', 'training'];
const validNames = ['valid', 'validation', 'val', 'dev', 'test'];

/** Files looked for at a time. */
const TOGETHER = 64;

/**
 * Images listed in a text file, one a row, with a column of paths and one of labels: `.csv` and `.tsv` with a line of
 * column names, `.jsonl` and `.ndjson` with one object a line.
 */
export class ManifestDataset extends SourceDataset {
  /** Rows by the value of the split column; undefined where there is no such column. */
  readonly splits: ReadonlyMap<string, readonly number[]> | undefined;

  private constructor(
    source: SourceDataset['source'],
    classes: readonly string[],
    splits: ManifestDataset['splits'],
  ) {
    super(source, classes);
    this.splits = splits;
  }

  /**
   * All rows of a manifest.
   *
   * @throws DatasetError naming file, line and column, SampleError where the first image cannot be read, ConfigError
   */
  static async open(file: string, options: ManifestOptions = {}): Promise<ManifestDataset> {
    const table = await readManifest(file);
    const numbered = numberLabels(labelsOf(table, options), options.classes, row => describeRow(table, row));
    return ManifestDataset.#of(table, numbered, options);
  }

  /**
   * A training and a validation set in a manifest each; the classes are those of both.
   *
   * @throws as `open`
   */
  static async openPair(
    files: readonly [train: string, valid: string],
    options: ManifestOptions = {},
  ): Promise<DatasetPair> {
    const [train, valid] = await Promise.all(files.map(readManifest));
    const tables = { train, valid };
    const describe = (split: keyof DatasetPair, row: number): string => describeRow(tables[split], row);
    const [ofTrain, ofValid] = [labelsOf(train, options), labelsOf(valid, options)];
    const numbered = numberPair(ofTrain, ofValid, options.classes, describe);
    return {
      train: await ManifestDataset.#of(train, numbered.train, options),
      valid: await ManifestDataset.#of(valid, numbered.valid, options),
    };
  }

  static async #of(
    table: ManifestTable,
    { labels, classes }: NumberedLabels,
    options: ManifestOptions,
  ): Promise<ManifestDataset> {
    const paths = textColumn(table, pathColumn(table, options));
    const root = resolve(options.root ?? dirname(table.file));
    const storage = { kind: 'files', root, paths: stringTable(paths) } as const;
    const fileAt = (row: number): string => filePath(storage, row);
    if (!options.allowOutside)
      for (const [row, path] of paths.entries()) requireWithin(table, row, root, path);
    if (options.check)
      await checkFiles(
        table,
        paths.map((_, row) => fileAt(row)),
        options.allowOutside ? undefined : root,
      );
    const imageShape = await firstShape(paths.length, fileAt, options);
    const look = { imageShape, resize: resizeOf(options), limits: limitsOf(options) };
    const source = { name: table.file, storage, ...look, labels };
    return new ManifestDataset(source, classes, splitsOf(table, options));
  }
}

/**
 * The training and the validation set of one manifest: by its split column, or, where it has none, `validSplit` of
 * each class for validation, chosen by `seed`.
 *
 * @throws DatasetError where a set of the split column is empty or has an unknown name; what `open` throws
 */
export async function splitManifest(
  file: string,
  { validSplit, seed, ...options }: ManifestOptions & { readonly validSplit: number; readonly seed: number },
): Promise<DatasetPair> {
  const whole = await ManifestDataset.open(file, options);
  const { splits } = whole;
  if (splits === undefined) return stratifiedSplit(whole, validSplit, seed);
  const rowsOf = (names: readonly string[]): readonly number[] => {
    const name = names.find(name => splits.has(name));
    if (name !== undefined) return splits.get(name) ?? [];
    throw new DatasetError(`${whole.source.name} has no rows of split ${names[0]}`, {
      where: whole.source.name,
      hint: `its splits are ${[...splits.keys()].join(', ')}: add one of ${names.join(', ')}`,
    });
  };
  return { train: new Subset(whole, rowsOf(trainNames)), valid: new Subset(whole, rowsOf(validNames)) };
}

function pathColumn(table: ManifestTable, { pathColumn }: ManifestOptions): string {
  const column = findColumn(table, pathColumn, usualPaths, 'pathColumn');
  return column ?? noColumn(table, 'paths', usualPaths, 'pathColumn');
}

/** @throws DatasetError naming the line of the first row without a label */
function labelsOf(table: ManifestTable, { labelColumn }: ManifestOptions): WrittenLabel[] {
  const found = findColumn(table, labelColumn, usualLabels, 'labelColumn');
  const column = found ?? noColumn(table, 'labels', usualLabels, 'labelColumn');
  return table.rows.map(({ [column]: value }, row) => {
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    throw unusable(table, row, column, value, 'a class name or a whole number');
  });
}

/** @throws DatasetError naming the line of the first row without a text there */
function textColumn(table: ManifestTable, column: string): string[] {
  return table.rows.map(({ [column]: value }, row) => {
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    throw unusable(table, row, column, value, 'a text');
  });
}

function splitsOf(table: ManifestTable, { splitColumn }: ManifestOptions): ManifestDataset['splits'] {
  const column = findColumn(table, splitColumn, ['split'], 'splitColumn');
  if (column === undefined) return undefined;
  const splits = new Map<string, number[]>();
  for (const [row, split] of textColumn(table, column).entries()) {
    const name = split.toLowerCase();
    const known = [...trainNames, ...validNames];
    if (!known.includes(name)) throw unusable(table, row, column, split, `one of ${known.join(', ')}`);
    const rows = splits.get(name);
    if (rows === undefined) splits.set(name, [row]);
    else rows.push(row);
  }
  return splits;
}

/** @throws DatasetError naming the line whose path leads out of `root` */
function requireWithin(table: ManifestTable, row: number, root: string, path: string): void {
  const target = resolve(root, path);
  if (!isWithin(root, target)) refuseOutside(`${path} in ${describeRow(table, row)}`, target, root);
}

/**
 * @param root what no link may lead out of, if any
 * @throws DatasetError saying how many of the files are missing, and naming the first; naming a link that leads out
 */
async function checkFiles(
  table: ManifestTable,
  paths: readonly string[],
  root: string | undefined,
): Promise<void> {
  const realRoot = root && (await realpath(root));
  const missing: number[] = [];
  for (let first = 0; first < paths.length; first += TOGETHER) {
    const found = paths.slice(first, first + TOGETHER).map(async (path, i) => {
      const file = await stat(path).catch(() => undefined);
      if (!file?.isFile()) missing.push(first + i);
      else if (realRoot !== undefined) {
        const target = await realpath(path);
        if (!isWithin(realRoot, target)) refuseOutside(path, target, realRoot);
      }
    });
    await Promise.all(found);
  }
  if (missing.length === 0) return;
  const row = Math.min(...missing);
  throw new DatasetError(
    `${missing.length} of the ${paths.length} files of ${table.file} are missing, the first is ${paths[row]}`,
    {
      where: describeRow(table, row),
      hint: 'correct the paths, or give root, the folder they are relative to',
    },
  );
}

function noColumn({ file, columns }: ManifestTable, what: string, usual: string[], option: string): never {
  throw new DatasetError(`${file} has no column of ${what}: none is called ${usual.join(', ')}`, {
    where: file,
    hint: `its columns are ${columns.join(', ')}: name one with ${option}`,
  });
}

function unusable(
  table: ManifestTable,
  row: number,
  column: string,
  value: unknown,
  wanted: string,
): DatasetError {
  const where = `${describeRow(table, row)}, column ${column}`;
  const found = value === undefined || value === '' ? 'nothing' : JSON.stringify(value);
  return new DatasetError(`${where} has ${found}, not ${wanted}`, {
    where,
    hint: 'correct the row, or take it out',
  });
}
