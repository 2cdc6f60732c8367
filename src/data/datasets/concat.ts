import { DatasetError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import { checkRow, type Dataset, type Sample, sharedLabels } from '../dataset.js';
import { readSamples } from '../samples/read-samples.js';
import type { SampleContext } from '../samples/sample-context.js';
import { partOf, type SampleSource } from '../samples/sample-source.js';
import { SourceDataset } from './source-dataset.js';

/**
 * Several datasets as one, their rows one after the other. Classes are united by name: those of the first keep their
 * indices, new ones of the others follow, and labels are numbered anew accordingly. Decode threads read it where they
 * can read every part.
 *
 * @throws DatasetError where there is none, or the images differ in shape
 */
export function concat(datasets: readonly Dataset[]): Dataset {
  checkShapes(datasets);
  const classes = [...new Set(datasets.flatMap(({ classes }) => classes))];
  const united = datasets.map(dataset => unitedIndices(dataset, classes));
  const labels = sharedLabels(datasets.flatMap(({ labels }, part) => numbered(labels, united[part])));
  const starts = new Uint32Array(
    new SharedArrayBuffer(Uint32Array.BYTES_PER_ELEMENT * (datasets.length + 1)),
  );
  for (const [part, { length }] of datasets.entries()) starts[part + 1] = starts[part] + length;
  const sources = datasets.flatMap(({ source }) => source ?? []);
  if (sources.length < datasets.length)
    return new ConcatDataset({ datasets, starts, labels, classes, united });
  const source: SampleSource = {
    name: sources.map(({ name }) => name).join(' + '),
    storage: { kind: 'concatenated', parts: sources, starts },
    imageShape: datasets[0].imageShape,
    labels,
  };
  return new SourceDataset(source, classes);
}

interface Parts {
  readonly datasets: readonly Dataset[];
  /** First row of each, and the number of all. */
  readonly starts: Uint32Array;
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  /** Of each dataset: by its class indices, those of the whole. */
  readonly united: readonly (readonly number[])[];
}

/** Of datasets that only the calling thread can read, or some of which are such. */
class ConcatDataset implements Dataset {
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.labels = parts.labels;
    this.classes = parts.classes;
    this.#parts = parts;
  }

  get length(): number {
    return this.labels.length;
  }

  get imageShape(): ImageShape {
    return this.#parts.datasets[0].imageShape;
  }

  async get(index: number, context?: SampleContext): Promise<Sample> {
    checkRow(index, this.length);
    const [sample] = await this.getBatch([index], context && [context]);
    return sample;
  }

  /** One request to each part that has rows of the batch. */
  async getBatch(
    indices: readonly number[],
    contexts?: readonly SampleContext[],
  ): Promise<readonly Sample[]> {
    const { datasets } = this.#parts;
    const rows = datasets.map((): number[] => []);
    const given = datasets.map((): SampleContext[] => []);
    const places = indices.map((row, i) => {
      const { part, index } = partOf(this.#parts, row);
      if (contexts !== undefined) given[part].push(contexts[i]);
      return { part, place: rows[part].push(index) - 1 };
    });
    const read = datasets.map((dataset, part) => readSamples(dataset, rows[part], contexts && given[part]));
    const samples = await Promise.all(read);
    return places.map(({ part, place }, i) => this.#numbered(samples[part][place], part, indices[i]));
  }

  describe(index: number): string {
    const { part, index: row } = partOf(this.#parts, index);
    return this.#parts.datasets[part].describe(row);
  }

  /** With its row and its class as they are here. A label that is none of the part's is left for the loader to refuse. */
  #numbered(sample: Sample, part: number, index: number): Sample {
    return { ...sample, index, label: this.#parts.united[part][sample.label] ?? -1 };
  }
}

function unitedIndices(dataset: Dataset, classes: readonly string[]): number[] {
  const indices = new Map(classes.map((name, index) => [name, index]));
  return dataset.classes.map(name => indices.get(name) ?? -1);
}

/** A label that is no class of its dataset is none of the whole: a loader refuses it. */
function numbered(labels: Int32Array, indices: readonly number[]): number[] {
  return Array.from(labels, label => indices[label] ?? -1);
}

function checkShapes(datasets: readonly Dataset[]): void {
  if (datasets.length === 0) {
    throw new DatasetError('there are no datasets to join', { where: 'concat', hint: 'give one or more' });
  }
  const shapes = datasets.map(({ imageShape }) => imageShape.join('x'));
  const odd = shapes.findIndex(shape => shape !== shapes[0]);
  if (odd < 0) return;
  throw new DatasetError(`images of dataset ${odd} are ${shapes[odd]}, of dataset 0 ${shapes[0]}`, {
    where: 'concat',
    hint: 'open them with one imageSize and channels',
  });
}
