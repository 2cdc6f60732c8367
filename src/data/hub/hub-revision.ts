/** Which commit is meant, and which files it has: asked of the hub once, then known without it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { DatasetError } from '../../errors.js';
import { cacheFolder } from '../cache/cache-folder.js';
import { type HubCache, writeWhole } from './hub-cache.js';
import { type HubClient, type HubFile, NotFound } from './hub-client.js';

/** A dataset of a hub, and its place in the cache. */
export interface Repository {
  /** `owner/name` */
  readonly dataset: string;
  readonly client: HubClient;
  readonly cache: HubCache;
  /** No request may be made. */
  readonly offline: boolean;
}

export interface Revision {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** Where the hub keeps its own conversion of datasets that are in other formats. */
const CONVERTED = 'refs/convert/parquet';

/**
 * The revision asked for, or where it has no Parquet files the hub's conversion of it.
 *
 * @throws DatasetError where there is neither, AbortedError
 */
export async function parquetRevision(repository: Repository, revision: string): Promise<Revision> {
  const asked = await revisionOf(repository, revision);
  if (asked !== undefined && hasParquet(asked)) return asked;
  // The conversion is of the main branch alone.
  const converted = revision === 'main' ? await conversionOf(repository) : undefined;
  if (converted !== undefined && hasParquet(converted)) return converted;
  const where = `${repository.dataset}@${revision}`;
  if (asked === undefined)
    throw new DatasetError(`${where} is not in the cache, and no request is made`, {
      where,
      hint: 'open it once with the network, or unset HF_HUB_OFFLINE',
    });
  throw new DatasetError(`${where} has no Parquet files`, {
    where,
    hint: `it has ${sample(asked.files)}; download it and open its folder, where that is of a kind openData knows`,
  });
}

const hasParquet = ({ files }: Revision): boolean => files.some(({ path }) => path.endsWith('.parquet'));

function sample(files: readonly HubFile[]): string {
  const paths = files.map(({ path }) => path).filter(path => !/^(README\.md|\.git\w+)$/.test(path));
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return paths.length === 0 ? 'no data' : paths.slice(0, 5).join(', ') + more;
}

async function conversionOf(repository: Repository): Promise<Revision | undefined> {
  try {
    return await revisionOf(repository, CONVERTED);
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

/** Undefined where it is not in the cache and no request may be made. */
async function revisionOf(repository: Repository, revision: string): Promise<Revision | undefined> {
  const { dataset, client, cache, offline } = repository;
  const isCommit = /^[\da-f]{40}$/.test(revision);
  const fromCache = isCommit ? revision : offline ? await cache.commitOf(revision) : undefined;
  if (fromCache === undefined && offline) return undefined;
  const commit = fromCache ?? (await client.commitOf(dataset, revision));
  const files =
    (await knownFiles(dataset, commit)) ??
    (offline ? await cachedFiles(cache, commit) : await listedFiles(repository, commit));
  if (files === undefined) return undefined;
  if (!offline && !isCommit) await cache.remember(revision, commit);
  return { commit, files };
}

/** As another program left it, which may be less than all. */
async function cachedFiles(cache: HubCache, commit: string): Promise<HubFile[] | undefined> {
  const paths = await cache.paths(commit);
  return paths.length === 0 ? undefined : paths.map(path => ({ path, size: 0, oid: '' }));
}

const listing = z.array(
  z.object({ path: z.string(), size: z.number(), oid: z.string(), sha256: z.string().optional() }),
);

async function listedFiles({ dataset, client }: Repository, commit: string): Promise<HubFile[]> {
  const files = await client.files(dataset, commit);
  await writeWhole(listingFile(dataset, commit), JSON.stringify(files));
  return files;
}

/** A commit never changes, so its files need to be asked for once. */
async function knownFiles(dataset: string, commit: string): Promise<HubFile[] | undefined> {
  const file = listingFile(dataset, commit);
  if (!existsSync(file)) return undefined;
  try {
    return listing.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function listingFile(dataset: string, commit: string): string {
  return cacheFolder('hub', `${dataset.replace('/', '--')}@${commit}.json`);
}
