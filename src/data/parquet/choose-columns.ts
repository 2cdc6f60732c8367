/** Which column holds the images and which the labels. */
import { DatasetError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { ClassLabel, type Feature, type Features, Image, Value } from '../rows/features.js';

export interface ColumnOptions {
  /** Column of the images. Default: the only one there is. */
  readonly image?: string;
  /** Column of the labels: a `ClassLabel`, or any column of numbers or strings. Default: the only one there is. */
  readonly label?: string;
}

const LABEL_NAMES = ['label', 'labels', 'target', 'class'];

/** @throws DatasetError where a column is not there, or which one is meant is not clear */
export function chooseColumns(
  features: Features,
  options: ColumnOptions,
  where: string,
): Required<ColumnOptions> {
  const image = options.image ?? only('image', imageColumns(features), features, where);
  const label = options.label ?? only('label', labelColumns(features), features, where);
  check('image', image, features, where, isImage);
  check('label', label, features, where, isLabel);
  return { image, label };
}

const isImage = (feature: Feature): boolean =>
  feature instanceof Image || isDtype(feature, /^(large_)?binary$/);
const isLabel = (feature: Feature): boolean =>
  feature instanceof ClassLabel || isDtype(feature, /^(u?int\d+|bool|(large_)?string)$/);
const isDtype = (feature: Feature, dtype: RegExp): boolean =>
  feature instanceof Value && dtype.test(feature.dtype);

function imageColumns(features: Features): string[] {
  const images = namesOf(features, feature => feature instanceof Image);
  return images.length > 0 ? images : namesOf(features, isImage);
}

function labelColumns(features: Features): string[] {
  const classes = namesOf(features, feature => feature instanceof ClassLabel);
  if (classes.length > 0) return classes;
  const named = LABEL_NAMES.find(name => features[name] !== undefined && isLabel(features[name]));
  return named !== undefined ? [named] : namesOf(features, feature => isDtype(feature, /^u?int\d+$/));
}

const namesOf = (features: Features, test: (feature: Feature) => boolean): string[] =>
  Object.keys(features).filter(name => test(features[name]));

function only(
  what: keyof ColumnOptions,
  found: readonly string[],
  features: Features,
  where: string,
): string {
  if (found.length === 1) return found[0];
  const kind = what === 'image' ? 'images' : 'labels';
  throw new DatasetError(
    found.length === 0
      ? `${where} has no column of ${kind}`
      : `${where} has several columns of ${kind}: ${found.join(', ')}`,
    {
      where,
      hint:
        found.length === 0
          ? `its columns are ${describeAll(features)}; name the one that is meant: ${what}`
          : `name the one that is meant: ${what}: '${found[0]}'`,
    },
  );
}

function check(
  what: keyof ColumnOptions,
  column: string,
  features: Features,
  where: string,
  fits: (feature: Feature) => boolean,
): void {
  const feature = features[column];
  if (feature !== undefined && fits(feature)) return;
  const meant = feature === undefined ? nearest(column, Object.keys(features)) : undefined;
  throw new DatasetError(
    feature === undefined
      ? `${where} has no column '${column}'`
      : `column ${column} of ${where} holds no ${what}s: it is ${describe(feature)}`,
    {
      where: what,
      hint: meant === undefined ? `its columns are ${describeAll(features)}` : `did you mean '${meant}'?`,
    },
  );
}

const describe = (feature: Feature): string =>
  feature instanceof Value ? feature.dtype : feature.constructor.name;

const describeAll = (features: Features): string =>
  Object.entries(features)
    .map(([name, feature]) => `${name} (${describe(feature)})`)
    .join(', ');
