/**
 * What hyparquet takes for granted of the pages of a column: with a header that leaves a length out, or says too much,
 * it would read for ever, or make room for billions of values.
 */
import type { AsyncBuffer, ColumnMetaData, PageHeader, RowGroup } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

/** Most values of a column in a row group, and most bytes of a page: far above what is written. */
const MOST_VALUES = 2 ** 26;
const MOST_BYTES = 2 ** 30;

/** `file`, whose bytes are given out once the headers of the row group's pages in them are found to be sound. */
export function checkedBuffer(file: AsyncBuffer, { columns }: RowGroup): AsyncBuffer {
  const chunks = columns.flatMap(({ meta_data: column }) => (column === undefined ? [] : [chunkOf(column)]));
  return {
    byteLength: file.byteLength,
    async slice(start, end = file.byteLength) {
      const bytes = await file.slice(start, end);
      for (const chunk of chunks)
        if (start <= chunk.start && chunk.end <= end)
          checkPages(new DataView(bytes, chunk.start - start, chunk.end - chunk.start), chunk.values);
      return bytes;
    },
  };
}

interface Chunk {
  /** Bytes of the file. */
  readonly start: number;
  readonly end: number;
  readonly values: number;
}

function chunkOf(column: ColumnMetaData): Chunk {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  return { start, end: start + Number(column.total_compressed_size), values: Number(column.num_values) };
}

/** @throws Error with the reason */
function checkPages(view: DataView<ArrayBuffer>, values: number): void {
  expectCount(values, MOST_VALUES, 'values');
  const reader = { view, offset: 0 };
  let left = values;
  // Ends one byte early, as hyparquet's own loop does.
  while (reader.offset < view.byteLength - 1) {
    const header = parquetHeader(reader);
    const size = header.compressed_page_size;
    expectCount(size, view.byteLength - reader.offset, 'bytes');
    expectCount(header.uncompressed_page_size, MOST_BYTES, 'bytes');
    left -= dataValues(header, left);
    reader.offset += size;
  }
}

/** Of a data page how many values it has; 0 of another one. */
function dataValues(header: PageHeader, left: number): number {
  const {
    type,
    data_page_header: first,
    data_page_header_v2: second,
    dictionary_page_header: words,
  } = header;
  if (type === 'DATA_PAGE' && first !== undefined) {
    expectCount(first.num_values, left, 'values');
    return first.num_values;
  }
  if (type === 'DATA_PAGE_V2' && second !== undefined) {
    expectCount(second.num_values, left, 'values');
    expectCount(second.num_nulls, second.num_values, 'nulls');
    expectCount(second.num_rows, second.num_values, 'rows');
    expectCount(second.definition_levels_byte_length, header.compressed_page_size, 'bytes of levels');
    expectCount(second.repetition_levels_byte_length, header.compressed_page_size, 'bytes of levels');
    return second.num_values;
  }
  if (type !== 'DICTIONARY_PAGE' || words === undefined)
    throw new Error('a page is of no type that is known');
  expectCount(words.num_values, MOST_VALUES, 'values');
  return 0;
}

function expectCount(count: unknown, most: number, what: string): void {
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) <= most) return;
  throw new Error(`a page has ${count} ${what}, where there can be 0 … ${most}`);
}
