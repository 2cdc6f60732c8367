/**
 * The cache that Python's huggingface_hub has too, in its layout:
 *
 *     datasets--OWNER--NAME/
 *       refs/REVISION               the commit that a branch or tag last pointed to
 *       blobs/HASH                  files by sha256 (kept outside of git) or by git's own SHA-1
 *       snapshots/COMMIT/PATH       links to them
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { HubFile } from './hub-client.js';

/** `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in the user's caches; a leading `~` is the home folder. */
export function hubCacheFolder(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const caches = XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(HF_HOME || join(caches, 'huggingface'), 'hub');
  return resolve(folder.replace(/^~(?=$|[\\/])/, homedir()));
}

/** One dataset in the cache. */
export class HubCache {
  readonly #folder: string;

  /** @param dataset `owner/name` */
  constructor(folder: string, dataset: string) {
    this.#folder = join(folder, ['datasets', ...dataset.split('/')].join('--'));
  }

  snapshot(commit: string): string {
    return join(this.#folder, 'snapshots', commit);
  }

  /** Where a file of a snapshot is, or would be. */
  pathOf(commit: string, path: string): string {
    return join(this.snapshot(commit), ...path.split('/'));
  }

  has(commit: string, path: string): boolean {
    return existsSync(this.pathOf(commit, path));
  }

  /** The commit that a revision last pointed to; undefined where it was never asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    try {
      const commit = (await readFile(this.#ref(revision), 'utf8')).trim();
      return /^[\da-f]{40}$/.test(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }

  async remember(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) !== commit) await writeWhole(this.#ref(revision), commit);
  }

  /** What a snapshot has, as paths within the dataset. */
  async paths(commit: string): Promise<string[]> {
    const root = this.snapshot(commit);
    if (!existsSync(root)) return [];
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter(entry => !entry.isDirectory())
      .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter(path => this.has(commit, path))
      .sort();
  }

  /** Where the content of a file is kept, whatever it is called. */
  blob({ oid, sha256 }: HubFile): string {
    return join(this.#folder, 'blobs', sha256 ?? oid);
  }

  /** Makes a file that is there as a blob part of a snapshot. */
  async link(file: HubFile, commit: string): Promise<void> {
    const pointer = this.pathOf(commit, file.path);
    const blob = this.blob(file);
    await mkdir(dirname(pointer), { recursive: true });
    const temporary = `${pointer}.${randomUUID()}.tmp`;
    try {
      try {
        await symlink(relative(dirname(pointer), blob), temporary);
      } catch {
        // Windows allows links to few.
        await copyFile(blob, temporary);
      }
      await rename(temporary, pointer);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  #ref(revision: string): string {
    return join(this.#folder, 'refs', ...revision.split('/'));
  }
}

/** Under a temporary name, then renamed. */
export async function writeWhole(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
