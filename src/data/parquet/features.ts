/** What the columns of a Parquet file hold: from the footer of Hugging Face `datasets`, else from their types. */
import type { FileMetaData, SchemaElement } from 'hyparquet';
import { z } from 'zod';
import { DatasetError } from '../../errors.js';
import { ClassLabel, type Feature, type Features, Image, Value } from '../rows/features.js';

/** Key of the footer under which `datasets` keeps its features, as JSON. */
const FOOTER_KEY = 'huggingface';

/** More than there are in any dataset of images: a name is made for each. */
const MOST_CLASSES = 65_536;

const declared = z.object({
  info: z.object({
    features: z.record(
      z.string(),
      // Lists of old versions are arrays; of all that has no use here nothing is asked.
      z.union([
        z.looseObject({
          _type: z.string().optional(),
          dtype: z.string().optional(),
          names: z.array(z.string()).nullish(),
          num_classes: z.int().positive().max(MOST_CLASSES).nullish(),
        }),
        z.array(z.unknown()),
      ]),
    ),
  }),
});
type Declared = z.infer<typeof declared>['info']['features'][string];

/** By column, in the order of the file. @throws DatasetError where the footer's own description is damaged */
export function featuresOf(metadata: FileMetaData, path: string): Features {
  const { key_value_metadata: pairs = [], schema } = metadata;
  const json = pairs.find(({ key }) => key === FOOTER_KEY)?.value;
  const known = json === undefined ? {} : parseDeclared(json, path);
  const columns = topLevel(schema).map(([column, children]): [string, Feature] => [
    column.name,
    declaredFeature(known[column.name]) ?? featureOfType(column, children),
  ]);
  return Object.fromEntries(columns);
}

function parseDeclared(json: string, path: string): Readonly<Record<string, Declared>> {
  try {
    return declared.parse(JSON.parse(json)).info.features;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new DatasetError(`the features in the footer of ${path} cannot be read: ${reason}`, {
      where: path,
      hint: "write the file again with Hugging Face datasets, or without the footer key 'huggingface'",
      cause,
    });
  }
}

/** Undefined where the type of the column tells as much. */
function declaredFeature(feature: Declared | undefined): Feature | undefined {
  if (feature === undefined || Array.isArray(feature)) return undefined;
  const { _type: type, dtype, names, num_classes: classes } = feature;
  if (type === 'Image') return new Image();
  if (type === 'Value' && dtype !== undefined) return new Value(dtype);
  if (type !== 'ClassLabel') return undefined;
  // Classes without names are called by their numbers, as `datasets` does.
  const all = names ?? Array.from({ length: classes ?? 0 }, (_, label) => String(label));
  return all.length > 0 ? new ClassLabel(all) : undefined;
}

/** The columns and what each consists of: the schema lists a tree depth first, its root in front. */
function topLevel(schema: readonly SchemaElement[]): (readonly [SchemaElement, readonly SchemaElement[]])[] {
  const columns: [SchemaElement, SchemaElement[]][] = [];
  let at = 1;
  const take = (children: SchemaElement[]): void => {
    const element = schema[at++];
    children.push(element);
    for (let i = 0; i < (element.num_children ?? 0); i++) take(children);
  };
  while (at < schema.length) {
    const elements: SchemaElement[] = [];
    take(elements);
    columns.push([elements[0], elements.slice(1)]);
  }
  return columns;
}

function featureOfType(column: SchemaElement, children: readonly SchemaElement[]): Feature {
  if (children.length > 0) {
    const names = children.map(({ name }) => name);
    // The layout in which `datasets` stores an image.
    const isImage = names.length === 2 && names.includes('bytes') && names.includes('path');
    return isImage ? new Image() : new Value('object');
  }
  return new Value(dtypeOf(column));
}

/** The name Hugging Face gives a type. */
function dtypeOf({ type, converted_type: converted, logical_type: logical }: SchemaElement): string {
  if (logical?.type === 'STRING' || converted === 'UTF8' || converted === 'ENUM') return 'string';
  if (logical?.type === 'INTEGER') return `${logical.isSigned ? 'int' : 'uint'}${logical.bitWidth}`;
  const [, sign, bits] = /^(U?INT)_(\d+)$/.exec(converted ?? '') ?? [];
  if (sign !== undefined) return `${sign.toLowerCase()}${bits}`;
  if (converted !== undefined || logical !== undefined) return 'object';
  switch (type) {
    case 'BOOLEAN':
      return 'bool';
    case 'INT32':
      return 'int32';
    case 'INT64':
      return 'int64';
    case 'FLOAT':
      return 'float32';
    case 'DOUBLE':
      return 'float64';
    case 'BYTE_ARRAY':
      return 'binary';
    default:
      return 'object';
  }
}
