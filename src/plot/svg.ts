/** SVG as text and as pixels. */

/** @param scale pixels of the PNG for each of the SVG */
export async function svgToPng(svg: string, scale: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  // To librsvg a pixel of an SVG is 1/72 inch.
  return sharp(Buffer.from(svg), { density: 72 * scale, limitInputPixels: false })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** Text as it stands in SVG, in an attribute or between tags. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
