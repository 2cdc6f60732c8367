/** The kinds of data that a spec (`--data`) can mean, and how each is told and opened. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { DatasetError } from '../errors.js';
import { nearest } from '../nearest.js';
import { packageRoot } from '../package-root.js';
import type { DatasetPair } from './dataset.js';
import { findIdxFiles, openFashionMnist, openIdxFiles } from './datasets/fashion-mnist.js';
import { ImageFolder } from './datasets/image-folder.js';
import { classFolders } from './datasets/list-images.js';
import { ManifestDataset, type ManifestOptions, splitManifest } from './datasets/manifest.js';
import { manifestExtensions } from './datasets/manifest-table.js';
import { PackDataset } from './datasets/pack.js';
import { stratifiedSplit } from './datasets/subset.js';
import { WebDataset } from './datasets/web-dataset.js';
import { findOnHub } from './hub/open-hub.js';
import type { OpenDataOptions, OpenedData } from './open-dataset.js';
import { hasParquet, type OpenParquetOptions, openParquet } from './parquet/open-parquet.js';
import { neededSplits, trainingPair } from './parquet/training-pair.js';

/** With the defaults filled in. */
export type SpecOptions = OpenDataOptions & Required<Pick<OpenDataOptions, 'validSplit' | 'seed'>>;

/** Opens a spec of its kind; undefined where it is of another. */
type NamedKind = (spec: string, options: SpecOptions) => Promise<OpenedData> | undefined;

/** Opens a file, or a folder; undefined where it holds something else. */
type PathKind = (path: string, options: SpecOptions) => Promise<DatasetPair> | undefined;

/** What the validation set may be called. */
const validNames = ['valid', 'validation', 'val', 'test'];

/** Names that are no paths. */
const namedKinds: readonly NamedKind[] = [sample, fashionMnist, hubDataset];

/** By what the file is called. */
const fileKinds: readonly PathKind[] = [manifestFile, shardFile, parquetFile];

/** By what the folder holds; the first that fits is taken. */
const folderKinds: readonly PathKind[] = [
  packs,
  idxFiles,
  manifestFiles,
  shardFiles,
  parquetFiles,
  splitFolders,
];

/** What a person may write, for messages. */
const specs = ['sample', 'fashion-mnist', 'hf:owner/name'];

/** Opens whatever `spec` means. @throws DatasetError where it means nothing, or cannot be opened */
export async function openSpec(spec: string, options: SpecOptions): Promise<OpenedData> {
  for (const open of namedKinds) {
    const opened = open(spec, options);
    if (opened !== undefined) return opened;
  }
  const path = resolve(spec);
  return { name: path, ...(await openPath(spec, path, options)) };
}

async function openPath(spec: string, path: string, options: SpecOptions): Promise<DatasetPair> {
  const found = statSync(path, { throwIfNoEntry: false });
  const kinds = found?.isDirectory() ? folderKinds : fileKinds;
  // A pattern with braces is the name of no file.
  if (found !== undefined || path.includes('{')) {
    for (const open of kinds) {
      const pair = open(path, options);
      if (pair !== undefined) return pair;
    }
  }
  if (found === undefined) throw notThere(spec, path);
  if (found.isDirectory()) return splitImages(path, options);
  throw new DatasetError(`${path} is no file of data that is known`, {
    where: path,
    hint: `--data takes files ending in ${[...manifestExtensions, '.tar', '.parquet'].join(', ')}, and folders`,
  });
}

function sample(spec: string, options: SpecOptions): Promise<OpenedData> | undefined {
  if (spec !== 'sample') return undefined;
  const folder = join(packageRoot(), 'data', 'fashion-mnist-sample');
  return named('Fashion-MNIST sample', openPacks(folder, options));
}

function fashionMnist(spec: string): Promise<OpenedData> | undefined {
  const [whole, folder] = /^fashion-mnist(?::(.+))?$/.exec(spec) ?? [];
  return whole === undefined ? undefined : named('Fashion-MNIST', openFashionMnist(folder));
}

/** `hf:owner/name[@revision][:config]`: of the splits only those that training needs are downloaded. */
function hubDataset(spec: string, options: SpecOptions): Promise<OpenedData> | undefined {
  return spec.startsWith('hf:') ? openHubPair(spec.slice('hf:'.length), options) : undefined;
}

async function openHubPair(dataset: string, options: SpecOptions): Promise<OpenedData> {
  const { name, splits, open } = await findOnHub(dataset, ofParquet(options));
  return { name, ...(await trainingPair(await open(neededSplits(splits)), options)) };
}

function manifestFile(file: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  const known: readonly string[] = manifestExtensions;
  return known.includes(extname(file).toLowerCase()) ? splitManifest(file, ofManifest(options)) : undefined;
}

/** One archive, or a pattern of several. */
function shardFile(file: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  return /\.tar$|\.tar\.gz$|\.tgz$/i.test(file) ? splitShards(file, options) : undefined;
}

function parquetFile(file: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  return file.endsWith('.parquet') ? openParquetPair(file, options) : undefined;
}

/** Hugging Face's layout, or any Parquet files. */
function parquetFiles(folder: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  return hasParquet(folder) ? openParquetPair(folder, options) : undefined;
}

async function openParquetPair(path: string, options: SpecOptions): Promise<DatasetPair> {
  return trainingPair(await openParquet(path, ofParquet(options)), options);
}

/** Columns under the names that `openParquet` has for them. */
const ofParquet = ({
  imageColumn: image,
  labelColumn: label,
  ...options
}: SpecOptions): OpenParquetOptions => ({
  ...options,
  image,
  label,
});

/** And those that manifests have, whose images are paths. */
const ofManifest = (options: SpecOptions): SpecOptions & ManifestOptions => ({
  ...options,
  pathColumn: options.imageColumn,
});

function packs(folder: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  return existsSync(join(folder, 'train.pack')) ? openPacks(folder, options) : undefined;
}

function idxFiles(folder: string): Promise<DatasetPair> | undefined {
  const files = findIdxFiles(folder);
  return files && openIdxFiles(files, folder);
}

/** `train.csv` and `valid.csv`, or other such names and endings; `train.csv` by itself is split. */
function manifestFiles(folder: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  const find = (names: readonly string[]): string | undefined =>
    names
      .flatMap(name => manifestExtensions.map(extension => join(folder, `${name}${extension}`)))
      .find(file => existsSync(file));
  const [train, valid] = [find(['train']), find(validNames)];
  if (train === undefined) return undefined;
  if (valid !== undefined) return ManifestDataset.openPair([train, valid], ofManifest(options));
  return existsSync(join(folder, 'train')) ? undefined : splitManifest(train, ofManifest(options));
}

/** `train-000.tar` … and `valid-000.tar` …; or archives of other names, which are split. */
function shardFiles(folder: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  const shards = readdirSync(folder)
    .filter(name => name.endsWith('.tar'))
    .sort();
  if (shards.length === 0) return undefined;
  const ofSplit = (split: string): string[] =>
    shards.filter(name => new RegExp(`^${split}[^a-z]`).test(name)).map(name => join(folder, name));
  const train = ofSplit('train');
  const valid = validNames.map(ofSplit).find(files => files.length > 0);
  if (train.length === 0 || valid === undefined) return splitShards(folder, options);
  return WebDataset.openPair([train, valid], options);
}

/** `train/` and `valid/`, with class folders in both. */
function splitFolders(folder: string, options: SpecOptions): Promise<DatasetPair> | undefined {
  return existsSync(join(folder, 'train')) ? openSplitFolders(folder, options) : undefined;
}

async function openSplitFolders(folder: string, options: SpecOptions): Promise<DatasetPair> {
  const folders = await classFolders(folder, options);
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

async function splitImages(folder: string, options: SpecOptions): Promise<DatasetPair> {
  return stratifiedSplit(await ImageFolder.open(folder, options), options.validSplit, options.seed);
}

async function splitShards(shards: string, options: SpecOptions): Promise<DatasetPair> {
  return stratifiedSplit(await WebDataset.open(shards, options), options.validSplit, options.seed);
}

async function openPacks(folder: string, options: SpecOptions): Promise<DatasetPair> {
  const [train, valid] = await Promise.all(
    ['train', 'valid'].map(split => PackDataset.open(join(folder, `${split}.pack`), options)),
  );
  return { train, valid };
}

async function named(name: string, pair: Promise<DatasetPair>): Promise<OpenedData> {
  return { name, ...(await pair) };
}

/** Guesses at what was meant among the names and among what lies beside it. */
function notThere(spec: string, path: string): DatasetError {
  const folder = dirname(path);
  const beside = existsSync(folder) ? readdirSync(folder) : [];
  const name = nearest(spec, specs);
  const neighbour = beside.length === 0 ? undefined : nearest(basename(path), beside);
  const meant = name ?? (neighbour && join(dirname(spec), neighbour));
  return new DatasetError(`there is no file or folder ${path}`, {
    where: path,
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}--data takes sample, fashion-mnist, hf:owner/name, a folder, a manifest, shards or Parquet files`,
  });
}
