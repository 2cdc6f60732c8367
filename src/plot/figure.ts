/** Pictures of images: a grid of places, each with an image and a title. */
import { extname } from 'node:path';
import { writeAtomically } from '../atomic-write.js';
import { ConfigError } from '../errors.js';
import { figureSvg } from './figure-svg.js';
import { type Picture, type PixelScale, type Pixels, pixelsOf, rangeOf } from './picture.js';
import { svgToPng } from './svg.js';
import type { Theme } from './theme.js';

export interface FigureOptions {
  /** Edge of each image's place, in pixels. Default 112. */
  readonly imsize?: number;
  /** Above all images. */
  readonly title?: string;
  /** Default `light`. */
  readonly theme?: Theme;
}

export interface GridOptions extends FigureOptions {
  readonly rows?: number;
  readonly cols?: number;
}

export interface ShowOptions extends PixelScale {
  /** Below the image; wrapped, and cut short if it needs more than two lines. */
  readonly title?: string;
}

/** One place of a figure. */
export class Axes {
  readonly figure: Figure;
  pixels?: Pixels;
  title = '';

  constructor(figure: Figure) {
    this.figure = figure;
  }

  /** Puts an image here, in the place of any before. @throws ConfigError if it is none */
  showImage(image: Picture, { title = '', ...scale }: ShowOptions = {}): this {
    this.pixels = pixelsOf(image, scale);
    this.title = title;
    return this;
  }
}

/** Rows × cols places; those without an image stay empty. */
export class Figure {
  readonly rows: number;
  readonly cols: number;
  readonly imsize: number;
  readonly title: string;
  readonly theme: Theme;
  /** Row by row, in one list; of a single place too. */
  readonly axes: readonly Axes[];

  constructor(rows: number, cols: number, { imsize = 112, title = '', theme = 'light' }: FigureOptions = {}) {
    for (const [name, value] of Object.entries({ rows, cols, imsize }))
      if (!Number.isInteger(value) || value < 1)
        throw new ConfigError(`${name} must be a whole number above 0, not ${value}.`, { where: 'subplots' });
    this.rows = rows;
    this.cols = cols;
    this.imsize = imsize;
    this.title = title;
    this.theme = theme;
    this.axes = Array.from({ length: rows * cols }, () => new Axes(this));
  }

  /** The figure as an SVG document, its images inside. */
  toSvg(): Promise<string> {
    return figureSvg(this);
  }

  /** @param scale pixels of the file for each of the figure; default 2 */
  async toPng(scale = 2): Promise<Buffer> {
    return svgToPng(await figureSvg(this), scale);
  }

  /**
   * Writes `.svg` or `.png`, by the name. The file is never seen half written.
   *
   * @returns the path
   * @throws ConfigError on another extension, RunFolderError if the file cannot be written
   */
  async save(path: string): Promise<string> {
    const extension = extname(path).toLowerCase();
    if (extension !== '.svg' && extension !== '.png')
      throw new ConfigError(`${path} is no name for a picture.`, {
        where: 'Figure.save',
        hint: 'end it in .svg or .png',
      });
    writeAtomically(path, await (extension === '.svg' ? this.toSvg() : this.toPng()));
    return path;
  }
}

/** A figure of rows × cols places. @throws ConfigError */
export function subplots(rows = 1, cols = 1, options: FigureOptions = {}): Figure {
  return new Figure(rows, cols, options);
}

/**
 * A figure with a place for each of n images: √n rows, rounded down, unless told otherwise, and as many columns as
 * it takes, rounded up.
 *
 * @throws ConfigError when rows × cols are given and too few
 */
export function getGrid(n: number, { rows, cols, ...options }: GridOptions = {}): Figure {
  if (!Number.isInteger(n) || n < 1)
    throw new ConfigError(`n must be a whole number above 0, not ${n}.`, { where: 'getGrid' });
  const down = rows ?? (cols ? Math.ceil(n / cols) : Math.floor(Math.sqrt(n)));
  const across = cols ?? Math.ceil(n / down);
  if (down * across < n)
    throw new ConfigError(`${down} × ${across} places are too few for ${n} images.`, {
      where: 'getGrid',
      hint: 'give rows or cols, not both',
    });
  return new Figure(down, across, options);
}

/**
 * One image, in a place of a figure or in a figure of its own: `showImage(image).figure.save('one.png')`.
 *
 * @throws ConfigError if it is no image
 */
export function showImage(image: Picture, options: ShowOptions & FigureOptions & { ax?: Axes } = {}): Axes {
  const { ax, imsize, theme, ...show } = options;
  return (ax ?? subplots(1, 1, { imsize, theme }).axes[0]).showImage(image, show);
}

export interface ShowImagesOptions extends GridOptions, PixelScale {
  /** One for each image, as far as there are. */
  readonly titles?: readonly string[];
}

/**
 * Images in a grid, floats of all of them on one scale. `undefined` leaves a place empty.
 *
 * @throws ConfigError if one is no image, or the places are too few
 */
export function showImages(
  images: readonly (Picture | undefined)[],
  options: ShowImagesOptions = {},
): Figure {
  const { titles = [], mean, std, range, ...grid } = options;
  const figure = getGrid(images.length, grid);
  const there = images.filter(image => image !== undefined);
  const normalised = mean !== undefined || std !== undefined;
  const common = range ?? (normalised ? undefined : rangeOf(there));
  images.forEach((image, index) => {
    if (image) figure.axes[index].showImage(image, { mean, std, range: common, title: titles[index] });
  });
  return figure;
}
