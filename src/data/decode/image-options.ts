/** What datasets of image files are told about their images. */
import { ConfigError, SampleError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import type { BadSamplePolicy } from '../bad-samples.js';
import { readWholeFile } from '../samples/record-reader.js';
import { fits, kernels, type Resize } from './decode.js';
import { checkFileBytes, checkPixels, type ImageLimits, limitsOf } from './image-limits.js';
import { parsePng } from './png-file.js';
import { loadSharp } from './sharp-decoder.js';

export interface ImageOptions extends Partial<ImageLimits> {
  /** [height, width] in pixels: images of another size are resized. Default: the first image's; others are refused. */
  readonly imageSize?: readonly [height: number, width: number];
  /** 1: greyscale, 3: RGB. Default: as the first image. */
  readonly channels?: 1 | 3;
  /** How an image of other proportions is brought to `imageSize`. Default `fill`. */
  readonly fit?: Resize['fit'];
  /** Of that resizing. Default `linear`. */
  readonly kernel?: Resize['kernel'];
  /** Turn and mirror each image as its EXIF orientation says; torchvision does not. Default false. */
  readonly autoOrient?: boolean;
  /** What happens where the first image cannot be read: `skip` has the next one tell the shape. Default `fail`. */
  readonly onBadSample?: BadSamplePolicy;
}

/** A path, bytes, or what reads them. */
type ImageFile = string | Uint8Array | (() => Uint8Array);

/** Images that are tried for their shape, at most: one, unless bad samples are skipped. */
export const shapesTried = ({ onBadSample }: Pick<ImageOptions, 'onBadSample'>): number =>
  onBadSample === 'skip' ? 100 : 1;

/**
 * `shapeOf` the first of several images; of the first that can be read where bad samples are skipped.
 *
 * @param imageAt path of an image, or what reads it
 * @param whereAt what it is called in errors; default: the path
 */
export async function firstShape(
  count: number,
  imageAt: (row: number) => ImageFile,
  options: ImageOptions,
  whereAt?: (row: number) => string,
): Promise<ImageShape> {
  const tried = Math.min(count, shapesTried(options));
  for (let row = 0; row < tried - 1; row++) {
    try {
      return await shapeOf(imageAt(row), options, whereAt?.(row));
    } catch (error) {
      if (!(error instanceof SampleError)) throw error;
    }
  }
  return shapeOf(imageAt(tried - 1), options, whereAt?.(tried - 1));
}

/**
 * How images are brought to `imageSize`; undefined where there is none, and images of another size are refused.
 *
 * @throws ConfigError where `imageSize`, `fit` or `kernel` is none, or something is said of resizing without a size
 */
export function resizeOf({ imageSize, ...how }: ImageOptions): Resize | undefined {
  const { fit = 'fill', kernel = 'linear', autoOrient = false } = how;
  checkName('fit', fit, fits);
  checkName('kernel', kernel, kernels);
  if (imageSize === undefined) {
    const given = (['fit', 'kernel', 'autoOrient'] as const).find(option => how[option]);
    if (given === undefined) return undefined;
    throw new ConfigError(`${given} is given without imageSize`, {
      where: given,
      hint: 'say which size images are brought to: imageSize, or --image-size',
    });
  }
  if (imageSize.length !== 2 || imageSize.some(side => !Number.isInteger(side) || side < 1)) {
    throw new ConfigError(`imageSize is ${imageSize.join('x')}`, {
      where: 'imageSize',
      hint: 'two whole numbers of pixels: [height, width]',
    });
  }
  return autoOrient ? { fit, kernel, autoOrient } : { fit, kernel };
}

/**
 * Shape of a dataset's images: what the options say, and the rest from its first image.
 *
 * @param file path, or the bytes of the file, or what reads them: called only where they are needed
 * @param where what the image is called in errors; default: the path
 * @throws SampleError where the image has to be asked and cannot be read
 */
export async function shapeOf(
  file: ImageFile,
  { imageSize, channels, ...limits }: ImageOptions,
  where = typeof file === 'string' ? file : 'the first image',
): Promise<ImageShape> {
  if (imageSize !== undefined && channels !== undefined) return [...imageSize, channels];
  const { maxPixels, maxFileBytes } = limitsOf(limits);
  try {
    const bytes = bytesOf(file, maxFileBytes);
    checkFileBytes(bytes.length, maxFileBytes);
    const [height, width, own] = await headerShape(bytes);
    checkPixels(width, height, maxPixels);
    return [...(imageSize ?? ([height, width] as const)), channels ?? own];
  } catch (cause) {
    throw new SampleError(`cannot decode ${where}: ${(cause as Error).message}`, {
      where,
      hint: 'replace the file, or take it out of the dataset',
      cause,
    });
  }
}

function bytesOf(file: ImageFile, maxFileBytes: number): Uint8Array {
  if (typeof file === 'string') return readWholeFile(file, maxFileBytes);
  return typeof file === 'function' ? file() : file;
}

/** As the file's header has it; 1 channel where the image is grey. */
async function headerShape(file: Uint8Array): Promise<ImageShape> {
  const png = parsePng(file);
  if (png !== undefined) {
    return [png.height, png.width, png.samples <= 2 && png.palette === undefined ? 1 : 3];
  }
  const sharp = await loadSharp();
  const { height, width, space } = await sharp(file).metadata();
  return [height, width, space === 'b-w' || space === 'grey16' ? 1 : 3];
}

function checkName(option: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new ConfigError(`${option} is ${name}`, { where: option, hint: `one of ${names.join(', ')}` });
}
