/**
 * Draws the pictures of docs/augmentation.md: what a model sees of the first images of the sample, transform by
 * transform. Run it after a change of those:
 *
 *     npm run build && node scripts/make-augmentation-images.mjs
 */
import { fileURLToPath } from 'node:url';
import {
  brightness,
  Coordinator,
  contrast,
  DataLoaders,
  horizontalFlip,
  models,
  normalize,
  openData,
  picturesOf,
  randCopy,
  randErase,
  randomCrop,
  rotate,
  showImages,
  zoom,
} from '../dist/index.js';

const count = 6;
const scale = { mean: 0.286, std: 0.353 };
const rows = perItem => [
  ['original', []],
  ['crop', [randomCrop({ padding: 4, perItem })]],
  ['flip', [horizontalFlip({ p: perItem ? 0.5 : 1, perItem })]],
  ['rotate', [rotate({ maxDegrees: 30, p: 1, perItem })]],
  ['zoom', [zoom({ min: perItem ? 1 : 1.4, max: 1.6, p: 1, perItem })]],
  ['brightness', [brightness({ max: 0.6, p: 1, perItem })]],
  ['contrast', [contrast({ max: 0.6, p: 1, perItem })]],
  ['erase', [randErase({ perItem })]],
  ['copy', [randCopy({ perItem })]],
];
const mixes = [
  ['MixUp', [], { kind: 'mixup', alpha: 1 }],
  ['CutMix', [], { kind: 'cutmix', alpha: 1 }],
];

const data = await openData('sample');
const { imageShape, classes } = data.valid;
const runner = new Coordinator({
  engine: 'wasm',
  devices: ['wasm:0'],
  recipe: models.mlp,
  imageShape,
  classes,
  seed: 3,
});
// Batches for validation are twice as large.
const loaders = DataLoaders.from(data, { batchSize: count / 2, seed: 2 });
try {
  await runner.open();
  for await (const first of loaders.valid) {
    // The key of the draws: one that has patches to show.
    const batch = { ...first, index: 9 };
    for (const [name, wanted] of [
      ['batch', [...rows(false), ...mixes]],
      ['item', rows(true)],
    ]) {
      const images = [];
      for (const [, transforms, mix] of wanted) {
        const mixed = { ...batch, transforms: [...transforms, normalize(scale)], mix };
        const { data, shape } = await runner.inputs(mixed, { training: true });
        images.push(...picturesOf({ data: data.slice(), shape }));
      }
      const titles = wanted.flatMap(([title]) => [title, ...Array(count - 1).fill('')]);
      for (const theme of ['light', 'dark']) {
        const figure = showImages(images, { cols: count, titles, theme, imsize: 84, ...scale });
        const path = new URL(`../docs/images/augmentation-${name}-${theme}.svg`, import.meta.url);
        await figure.save(fileURLToPath(path));
      }
    }
    break;
  }
} finally {
  await loaders.close();
  await runner.close();
}
