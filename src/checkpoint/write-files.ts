/**
 * Checkpoints on disk, each two files:
 *
 *     NAME.safetensors   tensors
 *     NAME.json          { …CheckpointInfo, tensors: { bytes, sha256 } }
 *
 * Both are written under temporary names and flushed to the disk, then renamed; the JSON last, so that where it is the
 * rest is complete, and it knows what the rest must be.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError } from '../errors.js';
import type { CheckpointContent } from './checkpoint.js';
import { encodeTensors } from './safetensors.js';

/** A checkpoint's path without either extension. */
export const checkpointName = (path: string): string => path.replace(/\.(safetensors|json)$/, '');

/** @throws CheckpointError when it cannot be written; an older one of that name is then still there */
export async function writeCheckpoint(path: string, { info, tensors }: CheckpointContent): Promise<void> {
  const name = checkpointName(path);
  const parts = encodeTensors({ tensors, metadata: { format: info.format } });
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const description = { ...info, tensors: { bytes, sha256: hash.digest('hex') } };
  const text = Buffer.from(`${JSON.stringify(description, null, 2)}\n`);
  try {
    await mkdir(dirname(name), { recursive: true });
    await writeDurably([
      [`${name}.safetensors`, parts],
      [`${name}.json`, [text]],
    ]);
    await syncFolder(dirname(name));
  } catch (cause) {
    throw new CheckpointError(`the checkpoint ${name} cannot be written: ${(cause as Error).message}`, {
      where: name,
      hint: 'check permissions and free space; earlier checkpoints are untouched',
      cause,
    });
  }
}

/** Renames once all are written: what fails leaves nothing behind, and files of these names as they were. */
async function writeDurably(files: readonly (readonly [string, readonly Uint8Array[]])[]): Promise<void> {
  try {
    for (const [path, parts] of files) {
      const file = await open(temporary(path), 'w');
      try {
        for (const part of parts) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    for (const [path] of files) await rename(temporary(path), path);
  } catch (error) {
    // What cannot be removed either is no reason to hide the first error.
    for (const [path] of files) await rm(temporary(path), { force: true }).catch(() => {});
    throw error;
  }
}

const temporary = (path: string): string => `${path}.tmp`;

/** The names in a folder are data of the folder, and reach the disk with it. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Removes a checkpoint, JSON first, so that what is left if we are cut off is no checkpoint.
 *
 * @throws CheckpointError
 */
export async function removeCheckpoint(path: string): Promise<void> {
  const name = checkpointName(path);
  try {
    await rm(`${name}.json`, { force: true });
    await rm(`${name}.safetensors`, { force: true });
  } catch (cause) {
    throw new CheckpointError(`the checkpoint ${name} cannot be removed: ${(cause as Error).message}`, {
      where: name,
      cause,
    });
  }
}

/**
 * Removes what a program that was killed while it wrote or removed a checkpoint has left of it.
 *
 * @param own names of checkpoints, of which tensors without JSON are such a rest too
 */
export async function removeUnfinished(folder: string, own?: RegExp): Promise<void> {
  const files = await filesOf(folder);
  const isRest = (file: string): boolean =>
    /\.(safetensors|json)\.tmp$/.test(file) ||
    (file.endsWith('.safetensors') &&
      own?.test(file) === true &&
      !files.includes(`${checkpointName(file)}.json`));
  for (const file of files) if (isRest(file)) await rm(join(folder, file), { force: true });
}

/** Names in a folder. */
export async function filesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // A folder that is not there holds nothing.
    return [];
  }
}
