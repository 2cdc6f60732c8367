/** Shards of samples in tar archives: headers, extended headers, long names, labels. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Header, Pax } from 'tar';
import { WebDataset } from '../../../src/data/datasets/web-dataset.js';
import { noise, png } from '../../data/fixtures.js';
import type { Field, FuzzTarget, OpenTarget } from '../target.js';

const BLOCK = 512;
const CHECKSUM = 148;

function padded(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc(Math.ceil(data.length / BLOCK) * BLOCK - data.length)]);
}

function member(path: string, data: Uint8Array, type: 'File' | 'NextFileHasLongPath' = 'File'): Buffer {
  const header = new Header({ path, size: data.length, type, mode: 0o644, mtime: new Date(0) });
  header.encode();
  return Buffer.concat([header.block as Buffer, padded(data)]);
}

/** What one of the four ways to name a member makes of an archive's end. */
function archive(image: Uint8Array): Buffer {
  const extended = new Pax({ path: 'extended/b.png', size: image.length, mtime: new Date(0) });
  return Buffer.concat([
    member('./a.png', image),
    member('a.cls', Buffer.from('0\n')),
    extended.encode(),
    member('short', image),
    member('extended/b.json', Buffer.from('{"label": 1}')),
    member('long', Buffer.from(`${'long/'.repeat(30)}c.png\0`), 'NextFileHasLongPath'),
    member('cut', image),
    member('long', Buffer.from(`${'long/'.repeat(30)}c.txt\0`), 'NextFileHasLongPath'),
    member('cut', Buffer.from('2')),
    Buffer.alloc(2 * BLOCK),
  ]);
}

/** Sizes and checksums are octal text: to the mutator they are bytes like others, at known places. */
const fieldsOf = (bytes: Uint8Array): Field[] =>
  Array.from({ length: bytes.length / BLOCK }, (_, block) => block * BLOCK).flatMap(start => [
    { at: start + 124 + 3, width: 8 },
    { at: start + 156, width: 1 },
  ]);

/** Checksums of the headers. */
function withChecksums(input: Buffer): Buffer {
  for (let start = 0; start + BLOCK <= input.length; start += BLOCK) {
    const block = input.subarray(start, start + BLOCK);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.fill(' ', CHECKSUM, CHECKSUM + 8);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM, 'latin1');
  }
  return input;
}

const shards: FuzzTarget = {
  name: 'tar shards',
  count: 20_000,
  async open(folder): Promise<OpenTarget> {
    const file = join(folder, 'fuzzed.tar');
    const bytes = archive(await png(noise(1, [4, 3, 1]), [4, 3, 1]));
    return {
      seeds: [{ bytes, fields: fieldsOf(bytes) }],
      tokens: [
        '77777777777',
        '00000000000',
        '-1',
        'size=9999999',
        '30 path=x.png\n',
        '\u0000',
        './',
        'GNU.sparse.',
      ],
      repair: withChecksums,
      async read(input) {
        writeFileSync(file, input);
        const dataset = await WebDataset.open(file);
        const { storage } = dataset.source;
        assert.ok(storage.kind === 'records');
        const { starts, lengths } = storage;
        for (let row = 0; row < dataset.length; row++) {
          assert.ok(starts[row] + lengths[row] <= input.length, `row ${row} is inside the file`);
          assert.equal(typeof dataset.describe(row), 'string');
        }
        assert.ok(dataset.labels.every(label => label >= 0 && label < dataset.classes.length));
      },
    };
  },
};

export const tarTargets: readonly FuzzTarget[] = [shards];
