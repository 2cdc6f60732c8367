/** Class folders of image files for the benches: the bundled sample's PNGs, and pictures like photos. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { openData } from '../src/data/open-dataset.js';
import { openRecords } from '../src/data/samples/record-reader.js';
import type { Records } from '../src/data/samples/sample-source.js';
import { Purpose, Random } from '../src/random.js';

export interface ImageFile {
  readonly bytes: Uint8Array;
  readonly label: number;
}

/** The sample's first `count` training images, 28 × 28 grey, as they lie in its pack. */
export async function samplePngs(count: number): Promise<ImageFile[]> {
  const { source, labels } = (await openData('sample')).train;
  const records = openRecords(source?.storage as Records);
  try {
    return Array.from(labels.subarray(0, count), (label, row) => {
      return { bytes: records.read(row, bytes => Buffer.allocUnsafeSlow(bytes)), label };
    });
  } finally {
    records.close();
  }
}

/** Writes `<folder>/class-<label>/<row>.<extension>`; an extension without a dot. */
export async function writeImageFolder(
  folder: string,
  files: Iterable<ImageFile> | AsyncIterable<ImageFile>,
  extension: string,
  signal: AbortSignal,
): Promise<void> {
  let row = 0;
  for await (const { bytes, label } of files) {
    signal.throwIfAborted();
    const classFolder = join(folder, `class-${label}`);
    await mkdir(classFolder, { recursive: true });
    await writeFile(join(classFolder, `${row++}.${extension}`), bytes);
  }
}

export interface PhotoSet {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly format: 'png' | 'jpeg';
}

const seed = 42;
const channels = 3;
const classCount = 2;
/** Of the noise, in steps of 255: what a good camera has in daylight. */
const noiseSigma = 2.5;
/** Noise is drawn once, and each picture reads it from places of its own. */
const noiseLength = 1 << 18;
/** Shortest waves, in pixels whatever the size of the picture: each then compresses as well as the others. */
const [coarse, fine] = [400, 80];
/** JPEGs as cameras and converters write them. */
const jpegQuality = 90;

/** RGB pictures of smooth structures, a few edges and sensor noise, the same in every call. */
export async function* photos({ count, width, height, format }: PhotoSet): AsyncGenerator<ImageFile> {
  const noise = noiseTable();
  for (let index = 0; index < count; index++) {
    const pixels = photo(index, width, height, noise);
    const image = sharp(pixels, { raw: { width, height, channels } });
    // Filters chosen row by row, as libpng's own default and every converter has it; sharp's default is none.
    const encoded =
      format === 'png' ? image.png({ adaptiveFiltering: true }) : image.jpeg({ quality: jpegQuality });
    yield { bytes: await encoded.toBuffer(), label: index % classCount };
  }
}

/** Standard deviation `noiseSigma`, rounded. */
function noiseTable(): Int8Array {
  const random = new Random({ seed, purpose: Purpose.noise });
  const table = new Int8Array(noiseLength);
  for (let i = 0; i < noiseLength; i += 2) {
    const [a, b] = random.normals();
    table[i] = Math.round(noiseSigma * a);
    table[i + 1] = Math.round(noiseSigma * b);
  }
  return table;
}

/** uint8, [height, width, 3]: waves of low frequency, an ellipse of another brightness in front, noise on top. */
function photo(index: number, width: number, height: number, noise: Int8Array): Uint8Array {
  const random = new Random({ seed, purpose: Purpose.noise, index: index + 1 });
  const pixels = new Uint8ClampedArray(width * height * channels);
  const waves = Array.from({ length: channels }, () => [
    wave(random, width, 90, coarse),
    wave(random, height, 1, coarse),
  ]);
  const detail = [wave(random, width, 20, fine), wave(random, height, 1, fine)];
  const [centreX, centreY] = [width * random.float(), height * random.float()];
  const [radiusX, radiusY] = [width / 4, height / 4].map(radius => radius * (0.5 + random.float()));
  const lift = 60 * random.float() - 30;
  for (let y = 0, at = 0; y < height; y++) {
    let grain = random.below(noiseLength);
    for (let x = 0; x < width; x++) {
      const inside = ((x - centreX) / radiusX) ** 2 + ((y - centreY) / radiusY) ** 2 < 1;
      const shared = 128 + (inside ? lift : 0) + detail[0][x] * detail[1][y];
      for (let channel = 0; channel < channels; channel++) {
        const [across, down] = waves[channel];
        grain = (grain + 1) & (noiseLength - 1);
        pixels[at++] = shared + across[x] * down[y] + noise[grain];
      }
    }
  }
  return new Uint8Array(pixels.buffer);
}

/** A sine over `length` places, of random phase, whose period is `shortest` places to thrice as many. */
function wave(random: Random, length: number, amplitude: number, shortest: number): Float64Array {
  const frequency = (2 * Math.PI) / (shortest * (1 + 2 * random.float()));
  const phase = 2 * Math.PI * random.float();
  return Float64Array.from({ length }, (_, i) => amplitude * Math.sin(frequency * i + phase));
}
