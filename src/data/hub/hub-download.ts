/** Files of a revision, downloaded to the cache and checked. */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatasetError } from '../../errors.js';
import type { HubCache } from './hub-cache.js';
import type { HubClient, HubFile } from './hub-client.js';

/** A dataset at a commit, where it comes from and where it goes. */
export interface HubSnapshot {
  readonly dataset: string;
  readonly commit: string;
  readonly client: HubClient;
  readonly cache: HubCache;
}

/** Bytes of a file since the last call. */
export type OnBytes = (file: HubFile, bytes: number) => void;

/** Files downloaded at a time. */
const TOGETHER = 4;

/**
 * Brings those files into the cache that are not there. After a failure nothing new is begun, what is under way ends,
 * and the files that are complete stay.
 *
 * @throws DatasetError, AbortedError
 */
export async function downloadFiles(
  snapshot: HubSnapshot,
  files: readonly HubFile[],
  onBytes?: OnBytes,
): Promise<void> {
  const queue = [...files];
  let failed = false;
  const run = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined && !failed; file = queue.shift()) {
      try {
        await downloadFile(snapshot, file, onBytes);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: TOGETHER }, run));
  const bad = results.find(result => result.status === 'rejected');
  if (bad !== undefined) throw bad.reason;
}

async function downloadFile(snapshot: HubSnapshot, file: HubFile, onBytes?: OnBytes): Promise<void> {
  const { cache, commit } = snapshot;
  if (cache.has(commit, file.path)) {
    onBytes?.(file, file.size);
    return;
  }
  const blob = cache.blob(file);
  // Another revision may have had the same file.
  if (existsSync(blob)) onBytes?.(file, file.size);
  else await downloadBlob(snapshot, file, blob, onBytes);
  await cache.link(file, commit);
}

async function downloadBlob(
  snapshot: HubSnapshot,
  file: HubFile,
  blob: string,
  onBytes?: OnBytes,
): Promise<void> {
  await mkdir(dirname(blob), { recursive: true });
  // A name of its own, so that two processes can download the same file.
  const temporary = `${blob}.${randomUUID()}.incomplete`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await receive(snapshot, file, handle, onBytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, blob);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Writes the file, and checks its length and hash. A connection that is cut is continued where it ended for as long
 * as each attempt brings some bytes.
 */
async function receive(
  { client, dataset, commit }: HubSnapshot,
  file: HubFile,
  handle: FileHandle,
  onBytes?: OnBytes,
): Promise<void> {
  const what = `${file.path} of ${dataset}@${commit}`;
  let hash = startHash(file);
  let done = 0;
  let most = -1;
  let cut: unknown;
  while (done < file.size || most < 0) {
    if (done <= most) throw client.networkError(what, cut ?? new Error(`it ends after ${done} bytes`));
    most = done;
    const response = await client.download(dataset, commit, file.path, done);
    if (done > 0 && response.status !== 206) {
      // It begins at the beginning again.
      onBytes?.(file, -done);
      [hash, done] = [startHash(file), 0];
    }
    try {
      for await (const chunk of response.body ?? []) {
        if (done + chunk.length > file.size) throw wrongContent(what, `more than ${file.size} bytes came`);
        await writeAll(handle, chunk, done);
        hash.update(chunk);
        done += chunk.length;
        onBytes?.(file, chunk.length);
      }
    } catch (cause) {
      // fetch tells of a lost connection by a TypeError.
      if (!(cause instanceof TypeError))
        throw cause instanceof DatasetError ? cause : client.networkError(what, cause);
      cut = cause;
    }
  }
  const digest = hash.digest('hex');
  if (digest !== (file.sha256 ?? file.oid))
    throw wrongContent(what, `its hash is ${digest}, the hub says ${file.sha256 ?? file.oid}`);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** Files kept outside of git are named by their sha256, those in git by the SHA-1 of a header and them. */
function startHash({ sha256, size }: HubFile): Hash {
  return sha256 === undefined ? createHash('sha1').update(`blob ${size}\0`) : createHash('sha256');
}

function wrongContent(what: string, reason: string): DatasetError {
  return new DatasetError(`${what} did not arrive as it is: ${reason}`, {
    where: what,
    hint: 'nothing of it was kept: try again; a mirror or a proxy may serve something else',
  });
}
