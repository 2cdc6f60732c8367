/**
 * Checkpoints on disk, each two files:
 *
 *     NAME.safetensors   tensors
 *     NAME.json          { …CheckpointInfo, tensors: { bytes, sha256 } }
 *
 * Each is written under a temporary name, flushed to the disk and renamed; the JSON last, so that where it is the rest
 * is complete, and it knows what the rest must be.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError, GradringError } from '../errors.js';
import { type CheckpointContent, type CheckpointInfo, parseInfo } from './checkpoint.js';
import { alignedBytes, decodeTensors, encodeTensors, type TensorFile } from './safetensors.js';

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
    await writeDurably(`${name}.safetensors`, parts);
    await writeDurably(`${name}.json`, [text]);
    await syncFolder(dirname(name));
  } catch (cause) {
    throw new CheckpointError(`the checkpoint ${name} cannot be written: ${(cause as Error).message}`, {
      where: name,
      hint: 'check permissions and free space; training itself is not harmed',
      cause,
    });
  }
}

async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

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

/** Removes a checkpoint, JSON first, so that what is left if we are cut off is no checkpoint. */
export async function removeCheckpoint(path: string): Promise<void> {
  const name = checkpointName(path);
  await rm(`${name}.json`, { force: true });
  await rm(`${name}.safetensors`, { force: true });
}

/** Removes what a program that was killed while it wrote a checkpoint has left of it. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const file of await filesOf(folder))
    if (/\.(safetensors|json)\.tmp$/.test(file)) await rm(join(folder, file), { force: true });
}

/**
 * Reads a checkpoint, or the newest one in a folder.
 *
 * @throws CheckpointError when it is not there, or damaged, or none of gradring's; the hint then names the newest
 * good one of the folder, if there is one
 */
export async function readCheckpointFiles(path: string): Promise<CheckpointContent & { name: string }> {
  const name = await resolveName(path);
  try {
    return { ...(await readNamed(name)), name };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const other = await newestGood(dirname(name), name);
    if (other === undefined) throw error;
    const { message, where, cause } = error;
    throw new CheckpointError(message, { where, cause, hint: `use the one before it: ${other}` });
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
export async function listCheckpoints(folder: string): Promise<{ name: string; info: CheckpointInfo }[]> {
  const found: { name: string; info: CheckpointInfo }[] = [];
  for (const file of await filesOf(folder)) {
    if (!file.endsWith('.json')) continue;
    const name = checkpointName(join(folder, file));
    try {
      found.push({ name, info: await readInfo(name) });
    } catch (error) {
      // Another JSON file, or one that cannot be read: reading it by its name says why.
      if (!(error instanceof GradringError)) throw error;
    }
  }
  return found.sort(
    (a, b) => compare(a.info.created, b.info.created) || a.info.globalStep - b.info.globalStep,
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function filesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // A folder that is not there holds nothing.
    return [];
  }
}

async function resolveName(path: string): Promise<string> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder) return checkpointName(path);
  const newest = (await listCheckpoints(path)).at(-1);
  if (newest !== undefined) return newest.name;
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
