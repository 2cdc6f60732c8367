/** What the columns of a table hold, after the `features` of Hugging Face `datasets`. */
import { DatasetError } from '../../errors.js';
import { nearest } from '../../nearest.js';

/** A plain value: a number, string or boolean. */
export class Value {
  /** Such as `int32`, `float32`, `string`, `bool`; the names are those of Hugging Face. */
  readonly dtype: string;

  constructor(dtype: string) {
    this.dtype = dtype;
  }
}

/** An image: `{ data, shape }`, uint8, [height, width, channels]. */
export class Image {
  /** Shape of every image of the column, where they are all alike and it is known. */
  readonly shape?: readonly number[];

  constructor(shape?: readonly number[]) {
    this.shape = shape;
  }
}

/** A class, stored as its index into `names`. */
export class ClassLabel {
  readonly names: readonly string[];

  /** @throws DatasetError where a name is there twice, or none at all */
  constructor(names: readonly string[]) {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined || names.length === 0)
      throw new DatasetError(
        twice === undefined ? 'a ClassLabel has no names' : `two classes are called ${twice}`,
        {
          where: 'ClassLabel',
          hint: 'give each class one name',
        },
      );
    this.names = [...names];
  }

  get numClasses(): number {
    return this.names.length;
  }

  /** Name of a class, or the names of a list of them. @throws DatasetError where an index is none of a class */
  int2str(label: number): string;
  int2str(labels: ArrayLike<number>): string[];
  int2str(labels: number | ArrayLike<number>): string | string[] {
    return typeof labels === 'number'
      ? this.#nameOf(labels)
      : Array.from(labels, label => this.#nameOf(label));
  }

  /** Index of a class, or the indices of a list of names. @throws DatasetError where there is no such class */
  str2int(name: string): number;
  str2int(names: readonly string[]): number[];
  str2int(names: string | readonly string[]): number | number[] {
    return typeof names === 'string' ? this.#indexOf(names) : names.map(name => this.#indexOf(name));
  }

  #nameOf(label: number): string {
    const name = this.names[label];
    if (name !== undefined) return name;
    throw new DatasetError(`there is no class ${label}`, {
      where: 'ClassLabel.int2str',
      hint: `the classes are 0 … ${this.names.length - 1}`,
    });
  }

  #indexOf(name: string): number {
    const index = this.names.indexOf(name);
    if (index >= 0) return index;
    const meant = nearest(name, this.names);
    throw new DatasetError(`there is no class '${name}'`, {
      where: 'ClassLabel.str2int',
      hint: meant === undefined ? `the classes are ${this.names.join(', ')}` : `did you mean '${meant}'?`,
    });
  }
}

export type Feature = ClassLabel | Image | Value;

/** What each column holds, in the order of the columns. */
export type Features = Readonly<Record<string, Feature>>;
