/** Reading checkpoints from the disk, where they lie as `write-files.ts` lays them out. */
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError, GradringError } from '../errors.js';
import { type CheckpointContent, type CheckpointInfo, parseInfo } from './checkpoint.js';
import { alignedBytes, decodeTensors, type TensorFile } from './safetensors.js';
import { checkpointName, filesOf } from './write-files.js';

/**
 * Reads a checkpoint, or the newest one in a folder.
 *
 * @param advise hint to use `good` in its place, the path of the newest good one of the folder
 * @throws CheckpointError when it is not there, or damaged, or none of gradring's
 */
export async function readCheckpointFiles(
  path: string,
  advise = (good: string): string => `use the one before it: ${good}`,
): Promise<CheckpointContent & { name: string }> {
  const name = await resolveName(path);
  try {
    return { ...(await readNamed(name)), name };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const good = await newestGood(dirname(name), name);
    if (good === undefined) throw error;
    const { message, where, cause } = error;
    throw new CheckpointError(message, { where, cause, hint: advise(good) });
  }
}

/** The tensors of a safetensors file. @throws CheckpointError */
export async function readTensorFile(path: string): Promise<TensorFile> {
  return decodeTensors(await readAligned(path), path);
}

/** The JSON of a checkpoint, its tensors unread. @throws CheckpointError */
export async function readInfo(path: string): Promise<CheckpointInfo> {
  return (await readDescription(checkpointName(path))).info;
}

/** Checkpoints in a folder whose writing was finished, the newest last; tensors are not read. */
export async function listCheckpoints(folder: string): Promise<FoundCheckpoint[]> {
  return (await scan(folder)).good;
}

export interface FoundCheckpoint {
  /** Path without extension. */
  readonly name: string;
  readonly info: CheckpointInfo;
}

/** @returns `bad`: names of those whose JSON is damaged, or of a later version */
async function scan(folder: string): Promise<{ good: FoundCheckpoint[]; bad: string[] }> {
  const good: FoundCheckpoint[] = [];
  const bad: string[] = [];
  const files = new Set(await filesOf(folder));
  for (const file of files) {
    if (!file.endsWith('.json')) continue;
    const name = checkpointName(join(folder, file));
    try {
      good.push({ name, info: await readInfo(name) });
    } catch (error) {
      if (!(error instanceof GradringError)) throw error;
      // JSON without tensors is another program's file, or what a removal was cut off at.
      if (files.has(`${checkpointName(file)}.safetensors`)) bad.push(name);
    }
  }
  good.sort((a, b) => compare(a.info.created, b.info.created) || a.info.globalStep - b.info.globalStep);
  return { good, bad };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function resolveName(path: string): Promise<string> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder) return checkpointName(path);
  const { good, bad } = await scan(path);
  const newest = good.at(-1)?.name;
  // What a damaged one holds cannot be known, so its age is that of its file. An older one is not in the way.
  const writtenAt = async (name: string): Promise<number> => (await stat(`${name}.json`)).mtimeMs;
  const since = newest === undefined ? 0 : await writtenAt(newest);
  for (const name of bad) if ((await writtenAt(name)) >= since) return name;
  if (newest !== undefined) return newest;
  throw new CheckpointError(`there is no complete checkpoint in ${path}`, {
    where: path,
    hint: 'a checkpoint is two files, NAME.safetensors and NAME.json',
  });
}

async function newestGood(folder: string, bad: string): Promise<string | undefined> {
  const named = (await listCheckpoints(folder)).map(({ name }) => name).filter(name => name !== bad);
  for (const name of named.reverse()) {
    try {
      await readNamed(name);
      return name;
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
    }
  }
  return undefined;
}

async function readNamed(name: string): Promise<CheckpointContent> {
  const { info, bytes, sha256 } = await readDescription(name);
  const path = `${name}.safetensors`;
  const content = await readAligned(path);
  const damaged = (how: string): CheckpointError =>
    new CheckpointError(`${basename(path)} is damaged: ${how} noted in ${basename(name)}.json`, {
      where: path,
      hint: 'use another copy of it, or an earlier checkpoint',
    });
  if (content.length !== bytes) throw damaged(`it has ${content.length} bytes, not the ${bytes}`);
  if (createHash('sha256').update(content).digest('hex') !== sha256)
    throw damaged('its SHA-256 is not the one');
  return { info, tensors: decodeTensors(content, path).tensors };
}

async function readDescription(
  name: string,
): Promise<{ info: CheckpointInfo; bytes: unknown; sha256: unknown }> {
  const path = `${name}.json`;
  let value: { tensors?: { bytes?: unknown; sha256?: unknown } };
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CheckpointError(
      missing
        ? `there is no complete checkpoint ${name}`
        : `${path} cannot be read: ${(cause as Error).message}`,
      { where: path, hint: 'a checkpoint is two files, NAME.safetensors and NAME.json', cause },
    );
  }
  const info = parseInfo(value, path);
  return { info, bytes: value.tensors?.bytes, sha256: value.tensors?.sha256 };
}

/** A file's bytes, placed so that tensors can be views of them. */
async function readAligned(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Buffer.alloc(8);
      await file.read(length, 0, Math.min(8, size), 0);
      const bytes = alignedBytes(size, Number(length.readBigUInt64LE() % 8n));
      for (let at = 0; at < size; ) {
        const { bytesRead } = await file.read(bytes, at, size - at, at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new CheckpointError(`${path} cannot be read: ${(cause as Error).message}`, { where: path, cause });
  }
}
