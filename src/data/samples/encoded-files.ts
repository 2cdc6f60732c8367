/** Image files of a source as they are stored, undecoded. */
import type { Resize } from '../decode/decode.js';
import { defaultLimits } from '../decode/image-limits.js';
import { openRecords, type RecordReader } from './record-reader.js';
import {
  type Concatenated,
  type FileTable,
  partOf,
  type Records,
  type SampleSource,
  storageRow,
} from './sample-source.js';

export interface EncodedFiles {
  /** How those of another size are brought to the source's shape. */
  readonly resize: Resize | undefined;
  /** The file of a sample. @throws Error of the system */
  read(index: number): Buffer;
  close(): void;
}

/** Undefined where some of the samples are pixels, or are resized in different ways. */
export function openEncoded(source: SampleSource): EncodedFiles | undefined {
  const { storage } = source;
  if (storage.kind === 'concatenated') return openParts(source, storage);
  if (storage.kind === 'raw' || (storage.kind === 'records' && storage.encoding === 'raw')) return undefined;
  return new Files(source, storage);
}

class Files implements EncodedFiles {
  readonly #source: SampleSource;
  readonly #records: RecordReader;

  constructor(source: SampleSource, storage: FileTable | Records) {
    this.#source = source;
    this.#records = openRecords(storage, (source.limits ?? defaultLimits).maxFileBytes);
  }

  get resize(): Resize | undefined {
    return this.#source.resize;
  }

  read(index: number): Buffer {
    return this.#records.read(storageRow(this.#source, index), bytes => Buffer.allocUnsafe(bytes));
  }

  close(): void {
    this.#records.close();
  }
}

function openParts(source: SampleSource, storage: Concatenated): EncodedFiles | undefined {
  const opened = storage.parts.map(openEncoded);
  const files = opened.flatMap(part => part ?? []);
  const close = (): void => {
    for (const part of files) part.close();
  };
  const ways = new Set(files.map(({ resize }) => JSON.stringify(resize)));
  if (files.length < storage.parts.length || ways.size > 1) {
    close();
    return undefined;
  }
  return {
    resize: files[0].resize,
    read(index) {
      const { part, index: inPart } = partOf(storage, storageRow(source, index));
      return files[part].read(inPart);
    },
    close,
  };
}
