/** Which Parquet files make up which split, told by their names: the naming conventions of Hugging Face. */
import { DatasetError } from '../../errors.js';
import { nearest } from '../../nearest.js';

/** Files of each split, in order; splits in the order train, validation, test, others. */
export type SplitFiles = Readonly<Record<string, readonly string[]>>;

/** The splits of each configuration. */
export type Layout = Readonly<Record<string, SplitFiles>>;

const DEFAULT_CONFIG = 'default';

/** `train-00000-of-00002.parquet`; older files have a hash behind it. */
const SHARD = /^(.+)-(\d{5})-of-(\d{5})(?:-[\da-f]+)?\.parquet$/;
/** `0000.parquet` in a folder called as the split: what the hub's own conversion writes. */
const NUMBERED = /^\d+\.parquet$/;
const WORDS = /^(train|validation|valid|val|test)(?:[-._ ].*)?\.parquet$/;
const SPLIT_FOLDER = /^(?:partial-)?(train|validation|valid|val|test)$/;
const ORDER = ['train', 'validation', 'valid', 'val', 'test'];

interface Place {
  readonly config: string;
  readonly split: string;
  /** Number of shards the name speaks of. */
  readonly shards?: number;
}

/**
 * | path | configuration | split |
 * |---|---|---|
 * | `data/train-00000-of-00002.parquet`, or without `data/` | default | train |
 * | `plain_text/test-00000-of-00001.parquet` | plain_text | test |
 * | `plain_text/test/0000.parquet` | plain_text | test |
 * | `train.parquet`, `test-1.parquet`, `test/a.parquet` | default | train, test |
 * | any other | default, or its folders | train |
 *
 * @param paths relative, with `/`
 * @throws DatasetError where shards of a split are missing
 */
export function parquetLayout(paths: readonly string[], where: string): Layout {
  const configs = new Map<string, Map<string, string[]>>();
  const shards = new Map<string, number>();
  for (const path of [...paths].sort()) {
    const { config, split, shards: count } = placeOf(path);
    const splits = configs.get(config) ?? new Map<string, string[]>();
    configs.set(config, splits.set(split, [...(splits.get(split) ?? []), path]));
    if (count !== undefined) shards.set(`${config}/${split}`, count);
  }
  for (const [config, splits] of configs)
    for (const [split, files] of splits) checkShards(files, shards.get(`${config}/${split}`), split, where);
  return Object.fromEntries([...configs].map(([config, splits]) => [config, inOrder(splits)]));
}

function placeOf(path: string): Place {
  const folders = path.split('/');
  const file = folders.pop() as string;
  if (folders[0] === 'data') folders.shift();
  const [, name, , shards] = SHARD.exec(file) ?? [];
  if (name !== undefined) return { config: configOf(folders), split: name, shards: Number(shards) };
  const last = folders.at(-1) ?? '';
  const [, folderSplit] = SPLIT_FOLDER.exec(last) ?? [];
  const split = folderSplit ?? (NUMBERED.test(file) && last !== '' ? last : undefined);
  if (split !== undefined) return { config: configOf(folders.slice(0, -1)), split };
  const [, word] = WORDS.exec(file) ?? [];
  return { config: configOf(folders), split: word ?? 'train' };
}

const configOf = (folders: readonly string[]): string => folders.join('/') || DEFAULT_CONFIG;

function inOrder(splits: ReadonlyMap<string, readonly string[]>): SplitFiles {
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const names = [...splits.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(names.map(name => [name, splits.get(name) ?? []]));
}

function checkShards(
  files: readonly string[],
  shards: number | undefined,
  split: string,
  where: string,
): void {
  if (shards === undefined || files.length === shards) return;
  throw new DatasetError(`split ${split} of ${where} has ${files.length} of ${shards} files`, {
    where,
    hint:
      files.length < shards
        ? 'get the missing ones; the names of those that are there say how many there should be'
        : 'files of an earlier version lie beside the new ones: remove them',
  });
}

/** Files of the configuration asked for, or of the only one. @throws DatasetError where there is no telling */
export function chooseConfig(layout: Layout, config: string | undefined, where: string): SplitFiles {
  const names = Object.keys(layout);
  const chosen = config ?? (names.length === 1 ? names[0] : names.find(name => name === DEFAULT_CONFIG));
  if (chosen !== undefined && layout[chosen] !== undefined) return layout[chosen];
  if (names.length === 0)
    throw new DatasetError(`there are no Parquet files in ${where}`, {
      where,
      hint: 'files end in .parquet; images in class folders, IDX files and packs are opened by openData',
    });
  const meant = config === undefined ? undefined : nearest(config, names);
  throw new DatasetError(
    config === undefined
      ? `${where} has several configurations`
      : `${where} has no configuration '${config}'`,
    {
      where,
      hint: meant === undefined ? `config is one of ${names.join(', ')}` : `did you mean '${meant}'?`,
    },
  );
}

/** The splits of these names, or all. @throws DatasetError where one is not there */
export function chooseSplits(
  splits: SplitFiles,
  names: readonly string[] | undefined,
  where: string,
): SplitFiles {
  if (names === undefined) return splits;
  const missing = names.find(name => splits[name] === undefined);
  if (missing !== undefined || names.length === 0)
    throw new DatasetError(`${where} has no split '${missing ?? ''}'`, {
      where,
      hint: `its splits are ${Object.keys(splits).join(', ')}`,
    });
  return Object.fromEntries(names.map(name => [name, splits[name]]));
}
