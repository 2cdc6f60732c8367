/** Downloads: the files of a run, and however a path is spelt nothing else. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { list } from 'tar';
import { ask, askJson, listen, open } from './service.js';
import { tarNames } from './tar-names.js';

const secret = 'nobody-may-read-this';

/** A run with good files in it, and ways out of it. */
function folders(t: Pick<Test, 'testdir'>): string {
  const root = t.testdir({
    'secret.txt': secret,
    1: {
      'config.json': '{"model":"mlp"}',
      '.hidden': secret,
      'last.json.tmp': secret,
      checkpoints: { 'a.json': '{}' },
    },
    2: { 'secret.txt': secret },
  });
  symlinkSync('../secret.txt', join(root, '1', 'link.txt'));
  symlinkSync('..', join(root, '1', 'parent'));
  symlinkSync('checkpoints', join(root, '1', 'inside'));
  mkdirSync(join(root, '1', '.git'));
  writeFileSync(join(root, '1', '.git', 'config'), secret);
  writeFileSync(join(root, '1', '@list.txt'), 'a name that tar gives a meaning');
  symlinkSync('2', join(root, '3'));
  return root;
}

const spellings = [
  ...['../secret.txt', '../../secret.txt', '..%2fsecret.txt', '..%2Fsecret.txt', '%2e%2e/secret.txt'],
  ...['%2e%2e%2fsecret.txt', '%2E%2E%2Fsecret.txt', '%252e%252e%252fsecret.txt', '..%252fsecret.txt'],
  ...[
    '..%5csecret.txt',
    '..\\secret.txt',
    '%5c..%5csecret.txt',
    '..%c0%afsecret.txt',
    '%c0%ae%c0%ae/secret.txt',
  ],
  ...[
    '..%ef%bc%8fsecret.txt',
    './../secret.txt',
    'checkpoints/../../secret.txt',
    'checkpoints/%2e%2e/%2e%2e/secret.txt',
  ],
  ...['//secret.txt', '/../secret.txt', '%2fetc/passwd', '//etc/passwd', '/etc/passwd', 'file:///etc/passwd'],
  ...[
    '....//secret.txt',
    '..;/secret.txt',
    '..%00/secret.txt',
    'config.json%00.txt',
    '%00',
    '..%0d%0a/secret.txt',
  ],
  ...['link.txt', 'parent/secret.txt', 'parent', 'inside/a.json', '.hidden', '.git/config', 'last.json.tmp'],
  ...[
    '',
    '.',
    '..',
    '%2e',
    'checkpoints',
    'checkpoints/',
    '../2/secret.txt',
    '~/secret.txt',
    'C:\\secret.txt',
  ],
];

t.test('no spelling of a path leads out of the run folder', async t => {
  const { port } = await listen(t, { root: folders(t) });
  for (const spelling of spellings) {
    const { status, text } = await ask({ port, path: `/runs/1/files/${spelling}` });
    if (![400, 404].includes(status) || text.includes(secret)) t.fail(`${spelling}: ${status} ${text}`);
  }
  for (const id of ['3', '..', '.', '%2e%2e', '2%2f..%2f2', '01', '1e0', '-1', '__proto__', '999'])
    t.equal((await ask({ port, path: `/runs/${id}/files/secret.txt` })).status, 404, id);
  const { json } = await askJson<{ files: { path: string }[] }>({ port, path: '/runs/1/files' });
  t.same(
    json.files.map(({ path }) => path),
    ['@list.txt', 'checkpoints/a.json', 'config.json'],
  );
});

t.test('a pipe in the folder holds up nobody', { skip: process.platform === 'win32' }, async t => {
  const root = folders(t);
  t.equal(spawnSync('mkfifo', [join(root, '1', 'pipe')]).status, 0);
  const { port } = await listen(t, { root });
  t.equal((await ask({ port, path: '/runs/1/files/pipe' })).status, 404);
});

t.test(
  'a file comes as it is, to be saved and not to be shown, once only where it did not change',
  async t => {
    const { port } = await listen(t, { root: folders(t) });
    const path = '/runs/1/files/config.json';
    const { status, headers, text } = await ask({ port, path });
    t.equal(status, 200);
    t.equal(text, '{"model":"mlp"}');
    t.match(headers, {
      'content-type': 'application/json',
      'content-disposition': /^attachment/,
      'x-content-type-options': 'nosniff',
    });
    t.equal((await ask({ port, path, headers: { 'if-none-match': String(headers.etag) } })).status, 304);
    t.equal((await ask({ port, path: '/runs/1/files/checkpoints/a%2ejson' })).text, '{}', 'a dot is a dot');
  },
);

t.test('the archive has the same files', async t => {
  const { port } = await listen(t, { root: folders(t) });
  const names = await tarNames({ port, path: '/runs/1/archive' });
  t.same(names.sort(), ['run-1/@list.txt', 'run-1/checkpoints/a.json', 'run-1/config.json']);
});

t.test(
  'a download that is broken off leaves no file open',
  { skip: process.platform !== 'linux' },
  async t => {
    const root = folders(t);
    // Not to be compressed, and more than the buffers of a connection hold.
    writeFileSync(join(root, '1', 'weights.bin'), randomBytes(30_000_000));
    const { port } = await listen(t, { root });
    const openFiles = (): string[] =>
      readdirSync('/proc/self/fd')
        .map(fd => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`);
          } catch {
            return '';
          }
        })
        .filter(path => path.startsWith(root));
    for (const path of ['/runs/1/files/weights.bin', '/runs/1/archive']) {
      const response = await open({ port, path });
      await once(response, 'readable');
      response.destroy();
      while (openFiles().length > 0) await setImmediate();
      t.pass(path);
    }
  },
);

t.test('an archive comes whole', async t => {
  const root = folders(t);
  const bytes = randomBytes(3_000_001);
  writeFileSync(join(root, '1', 'weights.bin'), bytes);
  const { port } = await listen(t, { root });
  const hash = createHash('sha256');
  const extract = list({
    strict: true,
    filter: path => path.endsWith('.bin'),
    onReadEntry: entry => void entry.on('data', chunk => hash.update(chunk)),
  });
  await pipeline(await open({ port, path: '/runs/1/archive' }), extract);
  t.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
});
