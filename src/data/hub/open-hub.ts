/** Hugging Face datasets by name. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import { chooseConfig, chooseSplits, parquetLayout, type SplitFiles } from '../parquet/layout.js';
import { type OpenParquetOptions, openParquetSource } from '../parquet/open-parquet.js';
import type { ParquetSplits } from '../parquet/parquet-splits.js';
import { HubCache, hubCacheFolder } from './hub-cache.js';
import { HubClient, type HubFile } from './hub-client.js';
import { downloadFiles, type HubSnapshot } from './hub-download.js';
import { parquetRevision } from './hub-revision.js';
import { parseHubSpec } from './hub-spec.js';

export interface OpenHubOptions extends OpenParquetOptions {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** For private and gated datasets. Default: `HF_TOKEN`. */
  readonly token?: string;
  /** A mirror. Default: `HF_ENDPOINT`, else `https://huggingface.co`. */
  readonly endpoint?: string;
  /** Where files are downloaded to. Default: the cache of Python's `huggingface_hub`. */
  readonly hubCacheDir?: string;
  /** No request is made: what is in the cache is used. Default: whether `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean;
}

/**
 * Opens an image dataset of the hub by its name, `owner/name[@revision][:config]`: the revision is brought to a commit,
 * the Parquet files of the splits asked for are downloaded and checked, and opened as `openParquet` does. Of a dataset
 * in another format the hub's own conversion to Parquet is taken, where there is one.
 *
 * @throws DatasetError where it is not there, not allowed, damaged on its way, or not in Parquet, and what `openParquet`
 * throws; ConfigError on a bad name; AbortedError
 */
export async function openHub(name: string, options: OpenHubOptions = {}): Promise<ParquetSplits> {
  const { open } = await findOnHub(name, options);
  return open(options.splits);
}

/** What there is of a dataset, before anything of it is downloaded. */
export interface FoundOnHub {
  /** With the commit, and the configuration where there are several. */
  readonly name: string;
  /** Names of its splits. */
  readonly splits: readonly string[];
  /** Downloads these splits, or all, and opens them. */
  open(splits?: readonly string[]): Promise<ParquetSplits>;
}

/** @throws as `openHub` */
export async function findOnHub(spec: string, options: OpenHubOptions = {}): Promise<FoundOnHub> {
  const parsed = parseHubSpec(spec);
  const { dataset } = parsed;
  const revision = options.revision ?? parsed.revision ?? 'main';
  const config = options.config ?? parsed.config;
  const offline = options.offline ?? /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? '');
  const folder = options.hubCacheDir === undefined ? hubCacheFolder() : resolve(options.hubCacheDir);
  const snapshot = { dataset, client: new HubClient(options), cache: new HubCache(folder, dataset) };
  const { commit, files } = await parquetRevision({ ...snapshot, offline }, revision);
  const name = `${dataset}@${commit.slice(0, 12)}${config === undefined ? '' : `:${config}`}`;
  const paths = files.map(({ path }) => path).filter(path => path.endsWith('.parquet'));
  const splits = chooseConfig(parquetLayout(paths, name), config, name);
  const open = async (names?: readonly string[]): Promise<ParquetSplits> => {
    const chosen = chooseSplits(splits, names, name);
    await getFiles({ ...snapshot, commit }, files, chosen, offline, options);
    const source = await sourceOf({ ...snapshot, commit }, chosen);
    return openParquetSource({ ...source, name }, { ...options, config });
  };
  return { name, splits: Object.keys(splits), open };
}

const README = 'README.md';

async function getFiles(
  snapshot: HubSnapshot,
  files: readonly HubFile[],
  splits: SplitFiles,
  offline: boolean,
  { onProgress }: OpenHubOptions,
): Promise<void> {
  const { cache, commit, dataset } = snapshot;
  const paths = new Set(Object.values(splits).flat());
  if (offline) {
    const missing = [...paths].find(path => !cache.has(commit, path));
    if (missing === undefined) return;
    throw new DatasetError(`${missing} of ${dataset} is not in the cache, and no request is made`, {
      where: missing,
      hint: 'open it once with the network, or unset HF_HUB_OFFLINE',
    });
  }
  const wanted = files.filter(({ path }) => paths.has(path) || path === README);
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  await downloadFiles(snapshot, wanted, ({ path }, bytes) => {
    done += bytes;
    onProgress?.({ phase: 'download', done, total, what: path });
  });
}

async function sourceOf(
  { dataset, commit, cache }: HubSnapshot,
  splits: SplitFiles,
): Promise<{ identity: string; files: SplitFiles; readme?: string }> {
  const local = Object.entries(splits).map(
    ([split, paths]) => [split, paths.map(path => cache.pathOf(commit, path))] as const,
  );
  const readme = cache.has(commit, README) ? await readFile(cache.pathOf(commit, README), 'utf8') : undefined;
  return { identity: `${dataset}@${commit}`, files: Object.fromEntries(local), readme };
}
