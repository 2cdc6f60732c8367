/** Grids of images: their geometry, and the pixels in the files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { getGrid, showImage, showImages, subplots } from '../../src/plot/figure.js';
import { picturesOf, pixelsOf } from '../../src/plot/picture.js';

t.test('getGrid has a place for every image', async t => {
  for (let n = 1; n <= 30; n++) {
    const { rows, cols, axes } = getGrid(n);
    t.ok(
      rows * cols >= n && rows * cols - n < rows && axes.length === rows * cols,
      `${n}: ${rows} × ${cols}`,
    );
  }
  const size = (n: number, options = {}) => {
    const { rows, cols } = getGrid(n, options);
    return [rows, cols];
  };
  t.strictSame(
    [size(7), size(11), size(9)],
    [
      [2, 4],
      [3, 4],
      [3, 3],
    ],
    'where flooring has 2 × 3 and 3 × 3',
  );
  t.strictSame(
    [size(7, { cols: 2 }), size(7, { rows: 1 }), size(3, { rows: 2, cols: 3 })],
    [
      [4, 2],
      [1, 7],
      [2, 3],
    ],
  );
  t.throws(() => getGrid(7, { rows: 2, cols: 3 }), { code: 'E_CONFIG' });
  t.throws(() => getGrid(0), { code: 'E_CONFIG' });
  t.equal(subplots().axes.length, 1, 'one place is a list too');
});

t.test('floats: lowest black and highest white, or as a normalisation undone', async t => {
  const bytes = (data: number[], scale = {}) => [
    ...pixelsOf({ data: Float32Array.from(data), shape: [1, data.length] }, scale).data,
  ];
  t.strictSame(bytes([-2, 0, 2]), [0, 128, 255]);
  t.strictSame(bytes([0, 1, 2], { range: [0, 4] }), [0, 64, 128]);
  t.strictSame(bytes([-0.8, 2.06, 9, Number.NaN], { mean: 0.28, std: 0.35 }), [0, 255, 255, 0]);
  t.strictSame(bytes([3, 3]), [255, 255]);
  const colours = { data: Float32Array.of(0, 0, 0), shape: [1, 1, 3] };
  t.strictSame([...pixelsOf(colours, { mean: [0, 0.2, 1] }).data], [0, 51, 255]);
  t.strictSame(
    [...pixelsOf({ data: Uint8Array.of(7, 200), shape: [2, 1] }).data],
    [7, 200],
    'bytes as they are',
  );
  t.throws(() => pixelsOf({ data: new Uint8Array(56), shape: [2, 28, 1, 1] }), { code: 'E_CONFIG' });
  t.throws(() => pixelsOf({ data: new Uint8Array(8), shape: [2, 2, 2] }), {
    code: 'E_CONFIG',
    hint: /channels last/,
  });
});

t.test('picturesOf takes a batch apart', async t => {
  const batch = { data: Uint8Array.from({ length: 12 }, (_, i) => i), shape: [3, 2, 2] };
  t.strictSame(picturesOf(batch)[1], { data: Uint8Array.of(4, 5, 6, 7), shape: [2, 2] });
  t.throws(() => picturesOf({ ...batch, shape: [4, 2, 2] }), { code: 'E_CONFIG' });
});

/** A pixel of the file, at a place of the figure (twice as large in the file). */
async function pixelAt(file: string, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return [...data.subarray((2 * y * info.width + 2 * x) * 3).subarray(0, 3)];
}

t.test('showImages: each image in its place, titles, gaps; as PNG and SVG', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'figure-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const red = { data: Uint8Array.of(255, 0, 0), shape: [1, 1, 3] };
  const grey = { data: Float32Array.of(0.5, 1, 0, 0.5), shape: [2, 2, 1] };
  const titles = ['red', 'nothing', 'T-shirt/top & <more>'];
  const figure = showImages([red, undefined, grey], { cols: 3, imsize: 40, titles, title: 'Three' });
  const file = await figure.save(join(folder, 'three.png'));
  const { width } = await sharp(file).metadata();
  t.equal(width, 2 * (2 * 14 + 3 * 40 + 2 * 10), 'margins, images, gaps');
  const middle = 14 + 30 + 20;
  t.strictSame(await pixelAt(file, 14 + 20, middle), [255, 0, 0]);
  t.strictSame(await pixelAt(file, 64 + 20, middle), [255, 255, 255], 'the empty place');
  t.strictSame(await pixelAt(file, 114 + 30, middle - 10), [255, 255, 255], 'second pixel of the first row');
  t.strictSame(await pixelAt(file, 114 + 10, middle + 10), [0, 0, 0], 'pixels are squares, not blurred');
  const svg = await figure.toSvg();
  t.match(svg, '>red</text>');
  t.match(svg, '>Three</text>');
  t.notMatch(svg, 'nothing', 'no title where there is no image');
  t.match(svg, /…<\/text>/, 'a title that does not fit is cut short');
  t.equal(svg.match(/<image/g)?.length, 2);
  await t.rejects(figure.save(join(folder, 'three.gif')), { code: 'E_CONFIG' });
});

t.test('showImage: into a place, or alone', async t => {
  const image = { data: Uint8Array.of(1, 2), shape: [1, 2] };
  const figure = subplots(2, 2);
  t.equal(showImage(image, { ax: figure.axes[3], title: 'last' }).figure, figure);
  t.strictSame(
    figure.axes.map(({ title }) => title),
    ['', '', '', 'last'],
  );
  const alone = showImage(image, { theme: 'dark' }).figure;
  t.strictSame([alone.axes.length, alone.theme], [1, 'dark']);
});
