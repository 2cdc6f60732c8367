import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { create, Header } from 'tar';
import { DataLoader } from '../../../src/data/data-loader.js';
import { expandBraces } from '../../../src/data/datasets/shard-names.js';
import { WebDataset } from '../../../src/data/datasets/web-dataset.js';
import { openData } from '../../../src/data/open-dataset.js';
import { packageRoot } from '../../../src/package-root.js';
import { Purpose, Random } from '../../../src/random.js';
import { noise, png, readEpoch } from '../fixtures.js';

const shape = [6, 5, 1] as const;
const names = ['ant', 'bee', 'cat'];

interface Files {
  readonly folder: string;
  readonly pixels: readonly Uint8Array[];
}

/** Samples `000.png`, `000.cls` … in a folder; `label` may write another member in place of `.cls`. */
async function sampleFiles(
  folder: string,
  count: number,
  label = (row: number): [extension: string, text: string] => ['cls', `${row % 3}\n`],
): Promise<Files> {
  mkdirSync(folder, { recursive: true });
  const all = noise(count, shape, count);
  const pixels = Array.from({ length: count }, (_, row) => all.subarray(30 * row, 30 * (row + 1)));
  for (const [row, image] of pixels.entries()) {
    const key = join(folder, String(row).padStart(3, '0'));
    const [extension, text] = label(row);
    writeFileSync(`${key}.png`, await png(image, shape));
    writeFileSync(`${key}.${extension}`, text);
  }
  return { folder, pixels };
}

const systemTar = (archive: string, folder: string, ...options: string[]): void => {
  execFileSync('tar', [...options, '-cf', archive, '--sort=name', '-C', folder, '.']);
};

/** One member as ustar has it. */
function member(
  path: string,
  data = '',
  type: 'File' | 'SymbolicLink' | 'Link' | 'SparseFile' = 'File',
): Buffer {
  const header = new Header({
    path,
    size: data.length,
    type,
    mode: 0o644,
    mtime: new Date(0),
    linkpath: 'x',
  });
  header.encode();
  const padded = Buffer.alloc(Math.ceil(data.length / 512) * 512);
  padded.write(data, 'latin1');
  return Buffer.concat([header.block as Buffer, padded]);
}

t.test('shards of tar and of the tar package are read in any order, over several threads', async t => {
  const root = t.testdir();
  const [first, second] = [await sampleFiles(join(root, 'a'), 5), await sampleFiles(join(root, 'b'), 3)];
  systemTar(join(root, 'set-00.tar'), first.folder, '--format=pax');
  await create({ file: join(root, 'set-01.tar'), cwd: second.folder, portable: true }, ['.']);
  const dataset = await WebDataset.open(join(root, 'set-{00..01}.tar'));
  t.same(dataset.classes, ['0', '1', '2']);
  t.same(dataset.imageShape, shape);
  t.same([...dataset.labels], [0, 1, 2, 0, 1, 0, 1, 2]);
  const pixels = [...first.pixels, ...second.pixels];
  for (const numWorkers of [0, 2]) {
    const loader = new DataLoader(dataset, { numWorkers, batchSize: 3, shuffle: true, seed: 4 });
    for (const batch of await readEpoch(loader)) {
      t.same(batch.pixels, Buffer.concat(batch.indices.map(row => pixels[row])));
      t.same(
        batch.labels,
        batch.indices.map(row => dataset.labels[row]),
      );
    }
    await loader.close();
  }
  t.equal(dataset.describe(6), `001.png in ${join(root, 'set-01.tar')} (row 6 of 2 shards)`);
});

t.test('labels from json and txt, other members, extensions with dots', async t => {
  const root = t.testdir();
  const asJson = await sampleFiles(join(root, 'json'), 4, row => [
    'json',
    JSON.stringify(row === 3 ? names[0] : { label: names[row], caption: 'noise' }),
  ]);
  writeFileSync(join(asJson.folder, '000.txt'), 'a caption');
  writeFileSync(join(asJson.folder, '.hidden'), '');
  writeFileSync(join(asJson.folder, 'README'), '');
  systemTar(join(root, 'json.tar'), asJson.folder);
  const json = await WebDataset.open(join(root, 'json.tar'), { classes: ['cat', 'bee', 'ant'] });
  t.same([...json.labels], [2, 1, 0, 2]);

  const asText = await sampleFiles(join(root, 'txt'), 3, row => ['txt', `${names[2 - row]}\n`]);
  for (const row of [0, 1, 2])
    cpSync(join(asJson.folder, '003.png'), join(asText.folder, `00${row}.LEFT.png`));
  systemTar(join(root, 'txt.tar'), asText.folder);
  const text = await WebDataset.open(join(root, 'txt.tar'));
  t.same([text.classes, [...text.labels]], [names, [2, 1, 0]]);
  t.same((await text.get(1)).pixels, asText.pixels[1]);
  const left = await WebDataset.open(join(root, 'txt.tar'), {
    imageExtension: 'left.png',
    labelExtension: '.txt',
  });
  t.same((await left.get(1)).pixels, asJson.pixels[3]);
});

t.test('archives of Python, whose names need pax and GNU headers', async t => {
  for (const format of ['pax', 'gnu']) {
    const file = join(packageRoot(), 'test', 'data', 'datasets', 'shards', `${format}.tar`);
    const dataset = await WebDataset.open(file);
    t.same([...dataset.labels], [0, 1, 2, 0], format);
    for (let row = 0; row < 4; row++) {
      const expected = Uint8Array.from({ length: 30 }, (_, i) => (7 * i + 31 * row) % 256);
      t.same((await dataset.get(row)).pixels, expected);
    }
    const long = `${'a-folder-whose-name-is-quite-long/'.repeat(5)}beyond-the-ustar-prefix.png in `;
    t.ok(dataset.describe(1).startsWith(long), dataset.describe(1));
    t.match(dataset.describe(2), /^größe\/Übermaß\.png in /);
    t.ok(dataset.describe(3).startsWith(`${'x'.repeat(130)}.png in `));
  }
});

t.test('archives and samples that are not whole are refused by shard and member', async t => {
  const root = t.testdir();
  const { folder } = await sampleFiles(join(root, 'a'), 2);
  const good = join(root, 'good.tar');
  systemTar(good, folder, '--format=ustar', '--owner=0');
  const bytes = readFileSync(good);
  const bad = join(root, 'bad.tar');
  const refuse = async (
    content: Buffer,
    error: { message: RegExp; where?: RegExp; hint?: RegExp },
  ): Promise<void> => {
    writeFileSync(bad, content);
    await t.rejects(WebDataset.open(bad), { code: 'E_DATASET', where: /bad\.tar/, ...error });
  };
  const at = bytes.indexOf('./001.png');
  const end = Buffer.alloc(1024);
  const tar = (...members: Buffer[]): Buffer => Buffer.concat([...members, end]);
  await refuse(gzipSync(bytes), { message: /bad\.tar is a gzipped archive/, hint: /gunzip/ });
  await refuse(Buffer.alloc(600, 'x'), { message: /bad\.tar is no tar archive/ });
  await refuse(Buffer.alloc(0), { message: /cut short: it ends at byte 0/ });
  await refuse(bytes.subarray(0, at + 512 + 20), {
    message: /cut short: .*within 001\.png/,
    where: /^001\.png in /,
  });
  await refuse(bytes.subarray(0, at + 100), { message: /cut short: .*the block at byte \d+/ });
  await refuse(bytes.subarray(0, at), { message: /cut short/ });
  const broken = Buffer.from(bytes);
  broken[at + 30] ^= 1;
  await refuse(broken, { message: new RegExp(`damaged: there is no header at byte ${at}`) });
  await refuse(end, { message: /hold no samples/ });
  const image = (await png(noise(1, shape), shape)).toString('latin1');
  const whole = [member('0.png', image), member('0.cls', '1')];
  await refuse(tar(member('0.png', image)), {
    message: /sample 0 in .*bad\.tar lacks cls, or json, or txt: it has png/,
  });
  await refuse(tar(...whole, member('1.cls', '1')), { message: /sample 1 in .* lacks an image: it has cls/ });
  await refuse(tar(...whole, member('0.png', image)), { message: /0\.png is twice in .*bad\.tar/ });
  for (const type of ['SymbolicLink', 'Link', 'SparseFile'] as const) {
    await refuse(tar(...whole, member('1.png', '', type)), {
      message: new RegExp(`1\\.png in .*bad\\.tar is no plain file \\(${type}\\)`),
    });
  }
  await refuse(tar(whole[0], member('0.cls')), { message: /label in 0\.cls in .*: it is empty/ });
  await refuse(tar(whole[0], member('0.json', '{"label"')), { message: /label in 0\.json in .*JSON/ });
  await refuse(tar(whole[0], member('0.json', '{"caption":"x"}')), { message: /it has no label/ });
  writeFileSync(bad, tar(...whole, member('1.png', 'no image'), member('1.cls', '0')));
  await t.rejects((await WebDataset.open(bad)).get(1), {
    code: 'E_SAMPLE',
    message: /cannot decode 1\.png in .*bad\.tar \(row 1 of .*bad\.tar\)/,
  });
  await t.rejects(WebDataset.open(good, { classes: ['only'] }), {
    message: /label 1 of 001\.png in .*outside 0 … 0/,
  });
});

t.test('headers with arbitrary damage under a right checksum: opened or refused, nothing else', async t => {
  const file = join(t.testdir(), 'fuzz.tar');
  const random = new Random({ seed: 3, purpose: Purpose.noise });
  const shards = join(packageRoot(), 'test', 'data', 'datasets', 'shards');
  const whole = ['pax.tar', 'gnu.tar'].map(name => readFileSync(join(shards, name)));
  const outcomes = new Set<string>();
  for (let trial = 0; trial < 400; trial++) {
    const bytes = Buffer.from(whole[trial % 2]);
    const starts = Array.from({ length: bytes.length / 512 }, (_, block) => 512 * block);
    const headers = starts.filter(at => bytes.toString('latin1', at + 257, at + 262) === 'ustar');
    const at = headers[random.below(headers.length)];
    // Name, size, type, the rest of the header, or the payload after it.
    const field = [0, 124, 156, 257, 512][random.below(5)];
    bytes[at + field + random.below(field === 156 ? 1 : 12)] = [0, 0x35, 0x80, 0xff, 0x0a][random.below(5)];
    const header = bytes.subarray(at, at + 512);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    writeFileSync(file, random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes);
    const outcome = await WebDataset.open(file, { imageSize: [6, 5], channels: 1 }).then(
      () => 'opened',
      error => error.code ?? error.stack,
    );
    outcomes.add(outcome);
  }
  t.same([...outcomes].sort(), ['E_DATASET', 'opened']);
});

t.test('patterns of shards', async t => {
  t.same(expandBraces('t-{08..11}.tar'), ['t-08.tar', 't-09.tar', 't-10.tar', 't-11.tar']);
  t.same(expandBraces('{a,b}/{9..10}'), ['a/9', 'a/10', 'b/9', 'b/10']);
  for (const pattern of ['{1..}', '{a}', 'a}', '{3..1}'])
    t.throws(() => expandBraces(pattern), { code: 'E_CONFIG' });
  await t.rejects(WebDataset.open('train-*.tar'), { code: 'E_CONFIG', hint: /braces/ });
  await t.rejects(WebDataset.open([]), { code: 'E_CONFIG' });
  const root = t.testdir();
  const missing = join(root, 's-{0..1}.tar');
  await t.rejects(WebDataset.open(missing), { code: 'E_DATASET', message: /there is no shard .*s-0\.tar/ });
  await t.rejects(WebDataset.open(root), { code: 'E_DATASET', message: /has no \.tar files/ });
});

t.test('openData: a folder of shards, a pattern, one archive', async t => {
  const root = t.testdir();
  const { folder, pixels } = await sampleFiles(join(root, 'a'), 10);
  for (const name of ['shards/train-0.tar', 'shards/train-1.tar', 'shards/val-0.tar', 'other/x.tar']) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    systemTar(join(root, name), folder);
  }
  const opened = await openData(join(root, 'shards'));
  t.same([opened.train.length, opened.valid.length], [20, 10]);
  t.same((await opened.train.get(13)).pixels, pixels[3]);
  for (const spec of ['other', 'other/x.tar', 'other/{x,x}.tar']) {
    const { train, valid, name } = await openData(join(root, spec), { validSplit: 0.3 });
    const of = spec.includes('{') ? 2 : 1;
    t.same([train.length, valid.length], [7 * of, 3 * of], spec);
    t.equal(basename(name), basename(spec));
  }
});
