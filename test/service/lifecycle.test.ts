/** A real training over HTTP: started, watched, stopped; resumed by another service after it; downloaded, deleted. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Status, statusOf, waitFor } from './program.js';
import { ask, askJson, listen } from './service.js';
import { tarNames } from './tar-names.js';

const settings = {
  ...{ model: 'mlp', engine: 'wasm', gpus: 'cpu:2', workers: 0 },
  ...{ batchSize: 250, limitBatches: 4, epochs: 500, schedule: 'constant', lr: 0.003 },
};

t.setTimeout(120_000);

t.test('start, watch, stop, resume, download, delete', async t => {
  const root = t.testdir();
  const first = await listen(t, { root });
  const started = await ask({ port: first.port, method: 'POST', path: '/runs', body: settings });
  t.equal(started.status, 201);
  t.equal(started.headers.location, '/runs/1');
  await waitFor('epoch', { port: first.port, path: '/runs/1/events' });
  const running = await statusOf(first.port);
  t.match(running, { state: 'running', settings, devices: ['wasm:0', 'wasm:1'], epoch: { step: Number } });
  t.equal((await ask({ port: first.port, method: 'POST', path: '/runs/1/stop', body: {} })).status, 202);
  await waitFor('end', { port: first.port, path: '/runs/1/events' });
  const stopped = await statusOf(first.port);
  t.match(stopped, { state: 'stopped', resumable: true, error: null });
  await first.app.close();

  const { port } = await listen(t, { root });
  const { json } = await askJson<{ runs: Status[] }>({ port, path: '/runs' });
  t.match(json.runs, [{ id: '1', state: 'stopped', resumable: true, settings, epoch: stopped.epoch }]);
  const done = stopped.epoch?.epoch ?? 0;
  const epochs = done + 1;
  const resumed = await ask({ port, method: 'POST', path: '/runs/1/resume', body: { epochs } });
  t.equal(resumed.status, 202);
  await waitFor('end', { port, path: '/runs/1/events' });
  t.match(await statusOf(port), {
    state: 'done',
    resumable: false,
    epoch: { epoch: epochs, step: epochs * 4 },
  });
  t.equal((await ask({ port, method: 'POST', path: '/runs/1/resume', body: {} })).status, 409, 'it is done');

  const records = (await ask({ port, path: '/runs/1/files/metrics.jsonl' })).text.trim().split('\n');
  t.same(
    records.map(line => JSON.parse(line).epoch),
    Array.from({ length: epochs }, (_, index) => index + 1),
    'every epoch once',
  );
  const names = await tarNames({ port, path: '/runs/1/archive' });
  t.ok(
    ['config.json', 'model.json', 'weights.bin'].every(name => names.includes(`run-1/${name}`)),
    `${names}`,
  );
  t.equal((await ask({ port, method: 'DELETE', path: '/runs/1' })).status, 204);
  t.notOk(existsSync(join(root, '1')));
});

t.test('a run that takes its process along fails, and the service goes on', async t => {
  const crash = `export default { model() { process.kill(process.pid, 'SIGSEGV'); for (;;); }, loss: 'crossEntropy' };`;
  const root = t.testdir({ recipes: { 'crash.mjs': crash }, runs: {} });
  const folders = { root: join(root, 'runs'), recipes: join(root, 'recipes') };
  const { port } = await listen(t, folders);
  const { model: _, ...others } = settings;
  const body = { ...others, recipe: 'crash.mjs' };
  t.equal((await ask({ port, method: 'POST', path: '/runs', body })).status, 201);
  await waitFor('failed', { port, path: '/runs/1/events' });
  t.match(await statusOf(port), { state: 'failed', error: { code: 'E_PROCESS' } });
  t.match(JSON.parse((await ask({ port, path: '/runs/1/files/FAILED.json' })).text), { code: 'E_PROCESS' });
});
