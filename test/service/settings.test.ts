/** What a client may start: what is not on the list, out of bounds or out of the folders is refused, with where and why. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../src/run/config.js';
import { ask, askJson, failure, fakes, listen, type Problem } from './service.js';

interface Status {
  readonly id: string;
  readonly state: string;
  readonly settings: object;
  readonly error: { code: string } | null;
}

const start = { method: 'POST', path: '/runs' };

t.test('bad bodies', async t => {
  const root = t.testdir({ data: { shoes: {} }, recipes: { 'own.mjs': '', 'notes.txt': '' }, runs: {} });
  symlinkSync('/', join(root, 'data', 'all'));
  mkdirSync(join(root, 'outside'));
  writeFileSync(join(root, 'outside', 'evil.mjs'), '');
  symlinkSync('../outside/evil.mjs', join(root, 'recipes', 'evil.mjs'));
  const { started, startRun } = fakes();
  const folders = { root: join(root, 'runs'), data: join(root, 'data'), recipes: join(root, 'recipes') };
  const { port } = await listen(t, { ...folders, startRun });
  const bad: [unknown, string][] = [
    [{ epoch: 3 }, 'epoch'],
    [{ out: '/etc' }, 'out'],
    [{ resume: '/etc' }, 'resume'],
    [{ dryRun: true }, 'dryRun'],
    [{ cache: 'disk' }, 'cache'],
    [{ __proto__x: 1 }, '__proto__x'],
    [{ epochs: '3' }, 'epochs'],
    [{ epochs: 0 }, 'epochs'],
    [{ epochs: 1e9 }, 'epochs'],
    [{ batchSize: 100_000 }, 'batchSize'],
    [{ workers: 200 }, 'workers'],
    [{ imageSize: [60_000, 60_000] }, 'imageSize.0'],
    [{ gpus: 'cpu:99' }, 'gpus'],
    [{ gpus: '0,1,2,3,4,5,6,7,8' }, 'gpus'],
    [{ gpus: 9 }, 'gpus'],
    [{ gpus: 'cpu:2; rm -rf /' }, 'gpus'],
    [{ lr: 'fast' }, 'lr'],
    [{ lr: null }, 'lr'],
    [{ model: 'nope' }, 'model'],
    [{ model: ['mlp'] }, 'model'],
    [{ model: 'mlp', recipe: 'own.mjs' }, 'model, recipe'],
    [{ mixup: 0.4, cutmix: 1 }, 'cutmix'],
    [{ data: '/etc' }, 'data'],
    [{ data: '../outside' }, 'data'],
    [{ data: 'hf:owner/name' }, 'data'],
    [{ data: 'all' }, 'data'],
    [{ data: 'hats' }, 'data'],
    [{ data: 7 }, 'data'],
    [{ recipe: '../outside/evil.mjs' }, 'recipe'],
    [{ recipe: 'file:///outside/evil.mjs' }, 'recipe'],
    [{ recipe: 'evil.mjs' }, 'recipe'],
    [{ recipe: 'notes.txt' }, 'recipe'],
    [[], 'body'],
    ['"text"', 'body'],
    ['null', 'body'],
  ];
  for (const [body, where] of bad) {
    const { status, json } = await askJson<Problem>({ port, ...start, body });
    t.match({ status, ...json.error }, { status: 400, code: 'E_CONFIG', where }, JSON.stringify(body));
  }
  t.equal((await ask({ port, ...start, body: '{"epochs":' })).status, 400);
  t.equal((await ask({ port, ...start, body: '{"__proto__":{"epochs":1}}' })).status, 400);
  t.equal((await ask({ port, ...start, body: { options: { text: 'x'.repeat(70_000) } } })).status, 413);
  t.same(started, [], 'nothing was started');
  t.same(readdirSync(folders.root), [], 'and no folder made');

  const { status, json } = await askJson<Status>({
    port,
    ...start,
    body: { data: 'shoes', recipe: 'own.mjs' },
  });
  t.equal(status, 201);
  t.same(json.settings, { data: 'shoes', recipe: 'own.mjs' });
  t.match(started[0].options, {
    data: join(folders.data, 'shoes'),
    recipe: join(folders.recipes, 'own.mjs'),
    out: join(folders.root, '1'),
  });
});

t.test('of each setting it was decided whether clients have it', async t => {
  const { port } = await listen(t, { root: t.testdir() });
  const { json } = await askJson<{ settings: string[] }>({ port, path: '/choices' });
  const own = ['allowOutside', 'allowSharedDevice', 'maxFileBytes', 'maxPixels', 'track', 'cache'];
  const service = ['resume', 'out', 'plot', 'dryRun'];
  t.same([...json.settings, ...own, ...service].sort(), Object.keys(configSchema.shape).sort());
});

t.test('as many runs as there is room for, each started once', async t => {
  const { started, startRun } = fakes();
  const root = t.testdir();
  const { port } = await listen(t, { root, startRun, limits: { running: 2, runs: 3 } });
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask({ port, ...start, body: {} })));
  t.same(answers.map(({ status }) => status).sort(), [201, 201, 429, 429]);
  t.equal(started.length, 2);
  const stop = (id: number) => ask({ port, method: 'POST', path: `/runs/${id}/stop` });
  t.equal((await stop(1)).status, 415, 'without a type it could be sent by any page');
  t.equal((await ask({ port, method: 'DELETE', path: '/runs/1' })).status, 409, 'not while it runs');
  t.equal((await ask({ port, path: '/runs/1/archive' })).status, 409);
  for (let time = 0; time < 2; time++)
    t.equal((await ask({ port, method: 'POST', path: '/runs/1/stop', body: '{}' })).status, 202);
  t.equal((await ask({ port, path: '/runs/1/events' })).status, 200, 'read to its end');
  t.equal((await ask({ port, ...start, body: {} })).status, 201, 'there is room for another');
  started[1].fail(failure('E_DATASET', 'no such images'));
  await ask({ port, path: '/runs/2/events' });
  t.equal((await ask({ port, ...start, body: {} })).status, 409, 'as many as are kept');
  t.equal(
    (await ask({ port, method: 'POST', path: '/runs/2/resume', body: {} })).status,
    409,
    'nothing to go on with',
  );
  t.equal((await ask({ port, method: 'DELETE', path: '/runs/2' })).status, 204);
  t.equal((await ask({ port, path: '/runs/2' })).status, 404);
  t.same(readdirSync(root).sort(), ['1', '3']);
  t.equal((await ask({ port, ...start, body: {} })).status, 201);
});

t.test('why a run failed before it had anything to write is known after a restart', async t => {
  const { started, startRun } = fakes();
  const root = t.testdir();
  const first = await listen(t, { root, startRun });
  await ask({ port: first.port, ...start, body: { model: 'mlp' } });
  started[0].fail(failure('E_DATASET', 'no such images'));
  await ask({ port: first.port, path: '/runs/1/events' });
  const told = await askJson<Status>({ port: first.port, path: '/runs/1' });
  t.match(told.json, { state: 'failed', error: { code: 'E_DATASET', message: 'no such images' } });
  await first.app.close();
  const second = await listen(t, { root, startRun });
  const again = await askJson<Status>({ port: second.port, path: '/runs/1' });
  t.match(again.json, { state: 'failed', error: { code: 'E_DATASET', message: 'no such images' } });
});
