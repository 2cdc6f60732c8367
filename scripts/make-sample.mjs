/**
 * Makes data/fashion-mnist-sample from the full Fashion-MNIST. For maintainers, after `npm run build`:
 *
 *     node scripts/make-sample.mjs [FOLDER WITH THE IDX FILES] [FOLDER TO WRITE TO]
 *
 * The same input and the same sharp give the same bytes.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { openFashionMnist } from '../dist/data/datasets/fashion-mnist.js';
import { writePack } from '../dist/data/datasets/write-pack.js';

/** Images of each class. */
const perClass = { train: 1000, valid: 200 };

const [from, to = fileURLToPath(new URL('../data/fashion-mnist-sample', import.meta.url))] =
  process.argv.slice(2);

/** The first `count` rows of each class, in the order of the dataset, so that labels stay mixed. */
function balancedRows({ labels, classes }, count) {
  const taken = classes.map(() => 0);
  return Array.from(labels.keys()).filter(row => taken[labels[row]]++ < count);
}

async function* pngRecords(dataset, rows) {
  const [height, width, channels] = dataset.imageShape;
  for (const row of rows) {
    const { pixels, label } = await dataset.get(row);
    const image = sharp(pixels, { raw: { width, height, channels } }).toColourspace('b-w');
    const png = adaptiveFiltering => image.clone().png({ compressionLevel: 9, adaptiveFiltering }).toBuffer();
    const [plain, filtered] = await Promise.all([png(false), png(true)]);
    yield { bytes: filtered.length < plain.length ? filtered : plain, label };
  }
}

const pair = await openFashionMnist(from);
await mkdir(to, { recursive: true });
for (const [split, count] of Object.entries(perClass)) {
  const dataset = pair[split];
  const rows = balancedRows(dataset, count);
  const header = {
    count: rows.length,
    classes: [...dataset.classes],
    imageShape: [...dataset.imageShape],
    encoding: 'image',
    source: `Fashion-MNIST sample, ${split}`,
    licence: 'MIT, copyright 2017 Zalando SE',
  };
  const file = join(to, `${split}.pack`);
  await writePack(file, header, pngRecords(dataset, rows));
  console.log(`${file}: ${rows.length} images`);
}
