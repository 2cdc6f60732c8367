// A model, loss, metric and transform of one's own (recipe.mjs) on a folder of one's own images.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchTransformCB, train } from 'gradring';
import sharp from 'sharp';

const outlines = {
  circle: (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  square: (x, y, r) => `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"/>`,
  triangle: (x, y, r) => `<path d="M${x},${y - r} L${x + r},${y + r} L${x - r},${y + r} Z"/>`,
};

/** Writes `count` PNGs of 24x24 pixels into `folder/<class>/` for each class. */
async function drawShapes(folder, count) {
  for (const [name, outline] of Object.entries(outlines)) {
    await mkdir(join(folder, name));
    for (let i = 0; i < count; i++) {
      const [x, y, r] = [10 + (i % 5), 10 + (Math.floor(i / 5) % 5), 5 + (i % 4)];
      const fill = `hsl(${(i * 47) % 360} 80% 60%)`;
      const svg = `<svg width="24" height="24" fill="${fill}">${outline(x, y, r)}</svg>`;
      const file = join(folder, name, `${String(i).padStart(3, '0')}.png`);
      await sharp(Buffer.from(svg)).flatten({ background: 'black' }).png().toFile(file);
    }
  }
}

const folder = await mkdtemp(join(tmpdir(), 'gradring-shapes-'));
try {
  await drawShapes(folder, 100);
  const records = [];
  const summary = await train(
    {
      data: folder,
      recipe: new URL('./recipe.mjs', import.meta.url).href,
      options: { filters: 8 },
      gpus: 'cpu:2',
      epochs: 6,
      batchSize: 24,
      lr: 0.01,
      out: process.argv[2],
    },
    {
      callbacks: [new BatchTransformCB({ name: 'brightness', options: { amount: 0.2 } }, { onValid: false })],
      onEpoch: record => records.push(record),
    },
  );
  console.table(records);
  assert(summary.accuracy > 0.9, `accuracy ${summary.accuracy} is not above 0.9`);
  const { confidence } = records.at(-1);
  assert(confidence > 0.5 && confidence <= 1, `confidence ${confidence}`);
} finally {
  await rm(folder, { recursive: true });
}
