/** Rotation and magnification: one affine map, one bilinear interpolation, on the engine's own kernel. */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { TransformBatch } from './augment.js';
import type { AffineOptions, RotateOptions, ZoomOptions } from './transform-specs.js';

/** What one draw does to an image: it is turned, then a window of it is magnified to its old size. */
export interface AffineDraw {
  /** Counter-clockwise. */
  readonly degrees: number;
  readonly zoom: number;
  /** Place of the window, 0 … 1: as far left as can be … as far right as can be. */
  readonly across: number;
  /** From the top … to the bottom. */
  readonly down: number;
}

const unchanged = [1, 0, 0, 0, 1, 0, 0, 0];

/**
 * The map from a pixel (x, y) of the result to where it comes from, in pixels, the centre of the first one at 0:
 * [a, b, c, d, e, f, 0, 0] for (ax + by + c, dx + ey + f), as `tf.image.transform` takes it.
 */
export function affineMap(
  { degrees, zoom, across, down }: AffineDraw,
  height: number,
  width: number,
): number[] {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  // The window is 1 / zoom of the image wide; its centre can be away from the image's by half of what is left.
  const left = (1 - 1 / zoom) / 2;
  const shiftX = left * width * (2 * across - 1) - centreX / zoom;
  const shiftY = left * height * (2 * down - 1) - centreY / zoom;
  return [
    cos / zoom,
    -sin / zoom,
    cos * shiftX - sin * shiftY + centreX,
    sin / zoom,
    cos / zoom,
    sin * shiftX + cos * shiftY + centreY,
    0,
    0,
  ];
}

/**
 * All images turned and magnified alike, or each by a draw of its own. Five draws, whatever the options are.
 *
 * @throws RecipeError for unusable options
 */
export function warpImages(
  tf: Tf,
  x: Tensor4D,
  options: AffineOptions,
  random: Random,
  batch: TransformBatch,
  name = 'affine',
): Tensor4D {
  const {
    maxDegrees = 10,
    minZoom = 1,
    maxZoom = 1.1,
    p = 0.75,
    pad = 'reflection',
    perItem = false,
  } = options;
  check(name, { maxDegrees, minZoom, maxZoom, p, pad });
  const [count, height, width] = x.shape;
  const draw = (stream: Random): number[] => {
    const isDrawn = stream.float() < p;
    const degrees = maxDegrees * (2 * stream.float() - 1);
    const zoom = minZoom + (maxZoom - minZoom) * stream.float();
    const [across, down] = [stream.float(), stream.float()];
    return isDrawn ? affineMap({ degrees, zoom, across, down }, height, width) : unchanged;
  };
  const maps = perItem ? Array.from({ length: count }, (_, i) => draw(batch.itemRandom(i))) : [draw(random)];
  if (maps.every(map => map === unchanged)) return tf.clone(x);
  const table: Tensor2D = tf.tensor2d(maps.flat(), [maps.length, 8]);
  if (pad === 'reflection') return tf.image.transform(x, table, 'bilinear', 'reflect');
  if (pad === 'border') return tf.image.transform(x, table, 'bilinear', 'nearest');
  return tf.image.transform(x, table, 'bilinear', 'constant', pad === 'zero' ? 0 : pad);
}

/** Turned only. */
export function rotateImages(
  tf: Tf,
  x: Tensor4D,
  options: RotateOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  return warpImages(tf, x, { ...options, minZoom: 1, maxZoom: 1 }, random, batch, 'rotate');
}

/** Magnified only. */
export function zoomImages(
  tf: Tf,
  x: Tensor4D,
  { min = 1, max = 1.1, ...options }: ZoomOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  const zooms = { ...options, maxDegrees: 0, minZoom: min, maxZoom: max };
  return warpImages(tf, x, zooms, random, batch, 'zoom');
}

type Checked = Required<Pick<AffineOptions, 'maxDegrees' | 'minZoom' | 'maxZoom' | 'p' | 'pad'>>;

function check(name: string, { maxDegrees, minZoom, maxZoom, p, pad }: Checked): void {
  const isPadded = typeof pad === 'number' ? Number.isFinite(pad) : pads.has(pad);
  const isAngle = maxDegrees >= 0 && maxDegrees <= 180;
  const isRange = minZoom > 0 && minZoom <= maxZoom && Number.isFinite(maxZoom);
  if (isPadded && isAngle && isRange && p >= 0 && p <= 1) return;
  const zooms = `magnifications from ${minZoom} to ${maxZoom}`;
  throw new RecipeError(
    `The transform ${name} cannot use ${maxDegrees} degrees, ${zooms}, p ${p} and pad ${pad}.`,
    {
      where: 'transforms',
      hint: "Angles are 0 … 180, magnifications above 0, p is 0 … 1; pad is 'reflection', 'border', 'zero' or a number.",
    },
  );
}

const pads: ReadonlySet<unknown> = new Set(['reflection', 'border', 'zero']);
