/** Datasets by name, from a mirror on this machine. */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openHub } from '../../../src/data/hub/open-hub.js';
import { openData } from '../../../src/data/open-dataset.js';
import type { DataProgress } from '../../../src/data/parquet/parquet-splits.js';
import { allPixels, expected, fixtures, testPixels, trainPixels } from '../parquet/fixtures.js';
import { commitOf, type Files, Mirror, sha256 } from './mirror.js';

const read = (name: string): Buffer => readFileSync(join(fixtures, ...name.split('/')));
const shards = ['data/train-00000-of-00002.parquet', 'data/train-00001-of-00002.parquet'];
const testShard = 'data/test-00000-of-00001.parquet';
const main: Files = {
  '.gitattributes': Buffer.from('*.parquet filter=lfs\n'),
  'README.md': Buffer.from('---\nlicense: mit\n---\n# Made up\n'),
  ...Object.fromEntries([...shards, testShard].map(path => [path, read(`hub/${path}`)])),
};
const plain = { 'data/train-00000-of-00001.parquet': read('plain.parquet') };
const jpegs = { 'train/cat/0.jpg': Buffer.from('jpeg'), 'metadata.csv': Buffer.from('a,b\n') };

const mirror = await Mirror.start({
  'owner/pictures': { branches: { main, 'v1.0': plain } },
  'owner/private': { branches: { main }, token: 'token of a mirror' },
  'owner/files': {
    branches: {
      main: jpegs,
      'refs/convert/parquet': {
        'default/train/0000.parquet': read('codecs/zstd.parquet'),
        'other/train/0000.parquet': read('plain.parquet'),
      },
    },
  },
  'owner/jpegs': { branches: { main: jpegs } },
  'owner/escape': { branches: { main: { '../../../evil.parquet': read('plain.parquet') } } },
});
t.teardown(() => mirror.close());

/** A cache of its own for each test, and no request of another. */
const isolated = (t: Test): { endpoint: string; hubCacheDir: string; cacheDir: string } => {
  const root = t.testdir();
  process.env.GRADRING_CACHE = join(root, 'own');
  for (const name of ['HF_ENDPOINT', 'HF_TOKEN', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE']) delete process.env[name];
  mirror.requests.length = 0;
  mirror.authorizations.length = 0;
  mirror.misbehave();
  return { endpoint: mirror.endpoint, hubCacheDir: join(root, 'hub'), cacheDir: join(root, 'packs') };
};

const below = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];
const leftOver = (folder: string): string[] => below(folder).filter(name => /incomplete|tmp/.test(name));

t.test("opened by name: files in Python's layout, asked for once, then offline", async t => {
  const options = isolated(t);
  const progress: DataProgress[] = [];
  const splits = await openHub('owner/pictures', { ...options, onProgress: at => progress.push(at) });
  const commit = commitOf('main');
  t.equal(splits.name, `owner/pictures@${commit.slice(0, 12)}`);
  t.same([splits.names, splits.classes], [['train', 'test'], expected.names]);
  t.ok((await allPixels(await splits.dataset('train'))).equals(trainPixels));
  t.ok((await allPixels(await splits.dataset('test'))).equals(testPixels));
  const { done, total } = progress.filter(({ phase }) => phase === 'download').at(-1) as DataProgress;
  const wanted = [...shards, testShard, 'README.md'].reduce((sum, path) => sum + main[path].length, 0);
  t.same([done, total], [wanted, wanted]);
  t.notOk(
    mirror.requests.some(path => path.includes('.gitattributes')),
    'only what is needed',
  );

  const folder = join(options.hubCacheDir, 'datasets--owner--pictures');
  t.equal(readFileSync(join(folder, 'refs', 'main'), 'utf8'), commit);
  const pointer = join(folder, 'snapshots', commit, testShard);
  t.ok(lstatSync(pointer).isSymbolicLink());
  t.same(readFileSync(join(folder, 'blobs', sha256(main[testShard]))), main[testShard]);
  t.same(leftOver(folder), []);

  mirror.requests.length = 0;
  await openHub('owner/pictures', options);
  t.same(mirror.requests, ['/api/datasets/owner/pictures/revision/main'], 'only whether main has moved');
  mirror.requests.length = 0;
  process.env.HF_HUB_OFFLINE = '1';
  await openHub('owner/pictures', options);
  await openHub(`owner/pictures@${commit}`, options);
  rmSync(join(process.env.GRADRING_CACHE as string, 'hub'), { recursive: true });
  const offline = await openHub('owner/pictures', options);
  t.ok((await allPixels(await offline.dataset('test'))).equals(testPixels), 'as Python leaves it, too');
  await t.rejects(openHub('owner/pictures@v1.0', options), {
    code: 'E_DATASET',
    message: /not in the cache/,
  });
  rmSync(pointer);
  await t.rejects(openHub('owner/pictures', { ...options, splits: ['test'] }), { code: 'E_DATASET' });
  t.same(mirror.requests, [], 'no request was made');
});

t.test('openData: revision, configuration, needed splits; the conversion of other formats', async t => {
  const options = isolated(t);
  process.env.HF_ENDPOINT = mirror.endpoint;
  process.env.HF_HUB_CACHE = options.hubCacheDir;
  const { train, valid, name } = await openData('hf:owner/pictures');
  t.same([train.length, valid.length], [expected.train, expected.test]);
  t.equal(name, `owner/pictures@${commitOf('main').slice(0, 12)}`);
  const old = await openData('hf:owner/pictures@v1.0', { validSplit: 0.3 });
  t.equal(old.train.length + old.valid.length, 6);
  const converted = await openData('hf:owner/files');
  t.equal(converted.train.length + converted.valid.length, 12);
  t.same(converted.train.classes, expected.names);
  const other = await openData('hf:owner/files:other');
  t.same(other.train.classes, ['7', '9', '30']);
  t.same(below(join(options.hubCacheDir, 'datasets--owner--files', 'refs', 'refs', 'convert')), ['parquet']);
});

t.test('what cannot be had is refused, saying why', async t => {
  const options = isolated(t);
  const refused = (name: string, message: RegExp, more = {}): Promise<unknown> =>
    t.rejects(openHub(name, { ...options, ...more }), { code: 'E_DATASET', message, hint: /./ });
  await refused('owner/nothing', /there is no owner\/nothing@main/);
  await refused('owner/pictures@v9', /no revision owner\/pictures@v9/);
  await refused('owner/jpegs', /no Parquet files/);
  await refused('owner/private', /does not give owner\/private@main: status 401/);
  await refused('owner/escape', /file called '..\/..\/..\/evil.parquet'/);
  t.same(
    below(options.hubCacheDir).filter(name => name.includes('evil')),
    [],
  );
  await refused('owner/pictures', /cannot get owner\/pictures@main from http:\/\/127/, {
    endpoint: 'http://127.0.0.1:1',
  });
  for (const name of ['a/b/c', '../x', 'a/..', 'a/b@', ''])
    await t.rejects(openHub(name, options), { code: 'E_CONFIG' }, name);

  t.notOk(mirror.authorizations.some(header => header !== undefined));
  process.env.HF_TOKEN = 'token of a mirror';
  t.ok(await openHub('owner/private', options), 'a token opens it');
});

t.test('a connection that is cut is continued; what is wrong or cut for good leaves nothing', async t => {
  const options = { ...isolated(t), splits: ['train'] };
  const [shard] = shards;
  mirror.misbehave({ [shard]: attempt => (attempt < 2 ? { cutAfter: 1000 } : {}) });
  const splits = await openHub('owner/pictures', options);
  t.ok((await allPixels(await splits.dataset('train'))).equals(trainPixels));
  t.same(
    mirror.requests.filter(path => path.includes(shard)).map(path => path.split('.parquet')[1]),
    ['', 'bytes=1000-', 'bytes=2000-'],
  );

  for (const [mishap, message] of [
    [{ flip: true }, /did not arrive as it is: its hash is/],
    [{ cutAfter: 0 }, /cannot get data\/train-00000-of-00002.parquet/],
  ] as const) {
    rmSync(options.hubCacheDir, { recursive: true });
    mirror.misbehave({ [shard]: () => mishap });
    await t.rejects(openHub('owner/pictures', options), { code: 'E_DATASET', message, hint: /./ });
    t.same(leftOver(options.hubCacheDir), []);
    t.notOk(below(options.hubCacheDir).some(name => name.endsWith(sha256(main[shard]))));
  }
  rmSync(options.hubCacheDir, { recursive: true });
  mirror.misbehave();
  const stop = new AbortController();
  const aborted = openHub('owner/pictures', {
    ...options,
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await t.rejects(aborted, { code: 'E_ABORTED' });
  t.same(leftOver(options.hubCacheDir), []);
  t.ok(await openHub('owner/pictures', options), 'and the next time it is all there');
});
