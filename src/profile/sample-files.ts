import { type DecoderName, decoderOf } from '../data/decode/open-decoder.js';
import { openRecords, type RecordReader } from '../data/samples/record-reader.js';
import { partOf, type SampleSource, storageRow } from '../data/samples/sample-source.js';

/** A file as it lies on the disk or in its pack, and which decoder serves it. */
export interface SampleFile {
  readonly bytes: Buffer;
  readonly decoder: DecoderName;
}

/** A source whose rows are in files, and such a row. */
interface Place {
  readonly source: SampleSource;
  readonly row: number;
}

/** The files behind the samples of a source, however it is put together. */
export class SampleFiles {
  readonly #source: SampleSource;
  readonly #readers = new Map<SampleSource, RecordReader>();
  #buffer = Buffer.allocUnsafeSlow(0);

  constructor(source: SampleSource) {
    this.#source = source;
  }

  /** Whether its first sample, and so most likely every one, is in memory: then there is nothing to read. */
  get inMemory(): boolean {
    return this.#place(0).source.storage.kind === 'raw';
  }

  /** The image file of a sample; undefined where its pixels are stored as they are. */
  open(index: number): SampleFile | undefined {
    const place = this.#place(index);
    const { storage, imageShape, resize } = place.source;
    if (storage.kind === 'raw' || (storage.kind === 'records' && storage.encoding === 'raw'))
      return undefined;
    const bytes = this.#reader(place).read(place.row, length => Buffer.allocUnsafeSlow(length));
    return { bytes, decoder: decoderOf(bytes, imageShape, resize) };
  }

  /** Opens, reads and closes the sample's file, as a decode thread does. Nothing is kept. */
  read(index: number): void {
    const place = this.#place(index);
    if (place.source.storage.kind === 'raw') return;
    this.#reader(place).read(place.row, length => {
      if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafeSlow(2 * length);
      return this.#buffer.subarray(0, length);
    });
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  #place(index: number): Place {
    let place: Place = { source: this.#source, row: storageRow(this.#source, index) };
    while (place.source.storage.kind === 'concatenated') {
      const { part, index: inPart } = partOf(place.source.storage, place.row);
      const source: SampleSource = place.source.storage.parts[part];
      place = { source, row: storageRow(source, inPart) };
    }
    return place;
  }

  #reader({ source }: Place): RecordReader {
    const { storage } = source;
    if (storage.kind !== 'files' && storage.kind !== 'records') {
      throw new TypeError(`rows of kind ${storage.kind} are in no file`);
    }
    const reader = this.#readers.get(source) ?? openRecords(storage);
    this.#readers.set(source, reader);
    return reader;
  }
}
