/** What the pixels of a source depend on, told without decoding any. */
import { createHash, type Hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersion } from '../../engine/package-version.js';
import { packageRoot } from '../../package-root.js';
import { imageAddon } from '../image-addon.js';
import { filePath, type SampleSource, storageRows } from '../samples/sample-source.js';

/** Names the same images in the same places, whatever is in them: 16 hexadecimal digits. */
export function identityOf(source: SampleSource): string {
  const hash = createHash('sha256');
  addIdentity(hash, source);
  return hash.digest('hex').slice(0, 16);
}

/**
 * SHA-256 of all that the pixels depend on: of every file the size and the time of its last change, the shape, the
 * way of resizing, the version of gradring, and the decoders that need not be installed.
 *
 * @throws Error of the system where a file is gone
 */
export function fingerprintOf(source: SampleSource): string {
  const hash = createHash('sha256').update(JSON.stringify(decoders()));
  addIdentity(hash, source);
  addContent(hash, source);
  return hash.digest('hex');
}

function addIdentity(hash: Hash, source: SampleSource): void {
  const { storage, imageShape, resize = null } = source;
  hash.update(JSON.stringify([storage.kind, storageRows(source), imageShape, resize]));
  switch (storage.kind) {
    case 'concatenated':
      for (const part of storage.parts) {
        addIdentity(hash, part);
        if (part.rows !== undefined) hash.update(part.rows);
      }
      break;
    case 'files':
      hash.update(storage.root).update(storage.paths.text).update(storage.paths.offsets);
      break;
    case 'records':
      hash.update(JSON.stringify([storage.files, storage.encoding])).update(storage.starts);
      if (storage.fileOf !== undefined) hash.update(storage.fileOf);
      break;
    case 'raw':
      hash.update(storage.file);
  }
}

function addContent(hash: Hash, source: SampleSource): void {
  const { storage } = source;
  switch (storage.kind) {
    case 'concatenated':
      for (const part of storage.parts) addContent(hash, part);
      break;
    case 'files':
      addFiles(hash, storageRows(source), row => filePath(storage, row));
      break;
    case 'records':
      addFiles(hash, storage.files.length, file => storage.files[file]);
      break;
    case 'raw':
      hash.update(storage.pixels);
  }
}

function addFiles(hash: Hash, count: number, path: (file: number) => string): void {
  const stats = new Float64Array(2 * count);
  for (let file = 0; file < count; file++) {
    const { size, mtimeMs } = statSync(path(file));
    stats[2 * file] = size;
    stats[2 * file + 1] = mtimeMs;
  }
  hash.update(stats);
}

/** A release may resize otherwise than the one before; and so may a decoder that was not there before. */
function decoders(): readonly (string | null)[] {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return [version, packageVersion('@napi-rs/image') ?? null, Object.keys(imageAddon()).join()];
}
