/** Lays a figure out as SVG. */
import type { Figure } from './figure.js';
import type { Pixels } from './picture.js';
import { escaped } from './svg.js';
import { font, palettes, textSize, titleSize } from './theme.js';

const gap = 10;
const margin = 14;
const headingHeight = 30;
const lineHeight = textSize + 4;

export async function figureSvg({ rows, cols, imsize, title, theme, axes }: Figure): Promise<string> {
  const palette = palettes[theme];
  const lines = axes.map(ax => wrapped(ax.title, imsize));
  const titleLines = Math.max(...lines.map(({ length }) => length));
  const cell = imsize + gap + titleLines * lineHeight;
  const top = margin + (title ? headingHeight : 0);
  const width = 2 * margin + cols * imsize + (cols - 1) * gap;
  const height = top + margin + rows * cell - gap;
  const text = (x: number, y: number, size: number, more: string, content: string): string =>
    `<text x="${x}" y="${y}" font-family="${escaped(font)}" font-size="${size}" fill="${palette.text}"${more}>${escaped(content)}</text>`;
  const parts = await Promise.all(
    axes.map(async ({ pixels }, index) => {
      const x = margin + (index % cols) * (imsize + gap);
      const y = top + Math.floor(index / cols) * cell;
      const image = pixels ? imageTag(await pngUrl(pixels), pixels, x, y, imsize) : '';
      const titles = lines[index].map((line, row) =>
        text(
          x + imsize / 2,
          y + imsize + (row + 1) * lineHeight - 2,
          textSize,
          ' text-anchor="middle"',
          line,
        ),
      );
      return image + titles.join('');
    }),
  );
  const heading = title ? text(margin, margin + titleSize, titleSize, ' font-weight="600"', title) : '';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="${palette.background}"/>${heading}${parts.join('')}</svg>`
  );
}

/** The image as large as its place allows, in its own proportions, its pixels as squares. */
function imageTag(url: string, pixels: Pixels, x: number, y: number, imsize: number): string {
  const scale = imsize / Math.max(pixels.width, pixels.height);
  const [width, height] = [pixels.width * scale, pixels.height * scale];
  const smooth = scale < 1 ? '' : ' style="image-rendering: optimizeSpeed; image-rendering: pixelated"';
  return (
    `<image x="${x + (imsize - width) / 2}" y="${y + (imsize - height) / 2}" width="${width}" height="${height}"` +
    `${smooth} xlink:href="${url}"/>`
  );
}

async function pngUrl({ data, width, height, channels }: Pixels): Promise<string> {
  const { default: sharp } = await import('sharp');
  const png = await sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 9 }).toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** At most two lines that fit; a letter is about 0.6 of its height wide. */
function wrapped(title: string, width: number): string[] {
  const most = Math.max(1, Math.floor(width / (textSize * 0.6)));
  const lines: string[] = [];
  for (const word of title.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const cut = (line: string, more: boolean): string =>
    line.length > most || more ? `${line.slice(0, most - 1)}…` : line;
  return lines.slice(0, 2).map((line, index) => cut(line, index === 1 && lines.length > 2));
}
