/** What the reader takes for granted of a footer: where it does not hold, its errors would be nobody's to catch. */
import type { FileMetaData, SchemaTree } from 'hyparquet';

/**
 * Every row group must have each column of the schema once, within the file, and all rows together must be those of
 * the file.
 *
 * @param tree of the metadata's schema
 * @param byteLength of the file
 * @throws Error with the reason
 */
export function checkMetadata(
  { row_groups: groups, num_rows: numRows }: FileMetaData,
  tree: SchemaTree,
  byteLength: number,
): void {
  const expected = leaves(tree).sort().join('\n');
  let rows = 0n;
  for (const [index, { columns, num_rows: count }] of groups.entries()) {
    if (count < 0n) throw new Error(`row group ${index} has ${count} rows`);
    rows += BigInt(count);
    const paths: string[] = [];
    for (const { file_path: elsewhere, meta_data: column } of columns) {
      if (column === undefined || elsewhere !== undefined)
        throw new Error(`row group ${index} has a column that is not in this file`);
      paths.push(nameOf(column.path_in_schema));
      const start = column.dictionary_page_offset || column.data_page_offset;
      const end = start + column.total_compressed_size;
      if (start < 0n || end < start || end > BigInt(byteLength))
        throw new Error(
          `column ${column.path_in_schema.join('.')} of row group ${index} is not within the file`,
        );
    }
    if (paths.sort().join('\n') !== expected)
      throw new Error(`the columns of row group ${index} are not those of the schema`);
  }
  if (rows !== BigInt(numRows)) throw new Error(`it has ${numRows} rows, its row groups have ${rows}`);
}

const nameOf = (path: readonly string[]): string => JSON.stringify(path);

/** Paths of the columns that hold values. */
function leaves({ children, path }: SchemaTree): string[] {
  return children.length === 0 ? [nameOf(path)] : children.flatMap(leaves);
}
