/** The image file within a value of an image column. */
import { DatasetError } from '../../errors.js';

/**
 * Bytes of an image: of `{ bytes, path }`, as Hugging Face stores it, or of a plain binary column. A view of the row
 * group's buffer.
 *
 * @throws DatasetError where there are none: the image is missing, or only its path was stored
 */
export function imageBytesOf(value: unknown, column: string, row: number, file: string): Uint8Array {
  if (value instanceof Uint8Array && value.length > 0) return value;
  const { bytes, path } = isStruct(value) ? value : {};
  if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
  const where = `row ${row} of ${file}`;
  const reason =
    typeof path === 'string' && path !== ''
      ? `only the path '${path}' is stored, not the image itself`
      : 'it is empty';
  throw new DatasetError(`cannot use ${column} of ${where}: ${reason}`, {
    where,
    hint: 'write the file again with its images embedded (datasets: push_to_hub, or embed_table_storage), or without the row',
  });
}

const isStruct = (value: unknown): value is { readonly bytes?: unknown; readonly path?: unknown } =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
