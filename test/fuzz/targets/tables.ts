/** Lists of images in text files: CSV and JSON lines. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManifestDataset } from '../../../src/data/datasets/manifest.js';
import type { FuzzTarget, OpenTarget } from '../target.js';

const csv = [
  'path,label,split\na.png,ant,train\nb.png,bee,valid\n"c, d.png","a ""quoted"" one",test\n',
  '\ufefffile;x,class\r\nx/1.png,0\r\nx/2.png,3\r\n\r\nx/3.png,1\r\n',
];
const lines = [
  '{"path": "a.png", "label": "ant", "split": "train"}\n{"path": "b.png", "label": "bee", "split": "val"}\n',
  '{"file": "a.png", "class": 0}\n\n{"file": "b.png", "class": 2, "more": [1, {"x": null}]}\n',
];

function target(
  name: string,
  extension: string,
  seeds: readonly string[],
  tokens: readonly string[],
): FuzzTarget {
  return {
    name,
    count: 20_000,
    async open(folder): Promise<OpenTarget> {
      const file = join(folder, `fuzzed${extension}`);
      return {
        seeds: seeds.map(text => ({ bytes: Buffer.from(text) })),
        tokens,
        async read(input) {
          writeFileSync(file, input);
          const dataset = await ManifestDataset.open(file, { imageSize: [4, 4], channels: 1 });
          assert.ok(dataset.length > 0);
          assert.ok(dataset.labels.every(label => label >= 0 && label < dataset.classes.length));
          assert.equal(typeof dataset.describe(dataset.length - 1), 'string');
        },
      };
    },
  };
}

export const tableTargets: readonly FuzzTarget[] = [
  target('CSV', '.csv', csv, [
    ',',
    '"',
    '\n',
    '\r\n',
    '\t',
    'label',
    'path',
    '\u0000',
    '\ufeff',
    '99999999999',
    '../',
  ]),
  target('JSON lines', '.jsonl', lines, [
    '{',
    '}',
    '[',
    '"label":',
    '"path":',
    '\n',
    'null',
    '1e999',
    '65535',
  ]),
];
