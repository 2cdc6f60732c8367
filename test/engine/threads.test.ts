/** Engines in worker threads: each has a heap of its own, and none of them prints. */
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { threadUrl } from '../../src/thread-url.js';

function run(name: string, device: string): Promise<{ message: unknown; output: string }> {
  const worker = new Worker(threadUrl('./fixtures/engine-thread', import.meta.url), {
    workerData: { name, device },
    stdout: true,
    stderr: true,
  });
  let output = '';
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.on('data', chunk => {
      output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    let message: unknown;
    worker.on('message', value => {
      message = value;
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve({ message, output }));
  });
}

t.test('two wasm engines and a cpu engine at once', async t => {
  const devices = [
    ['wasm', 'wasm:0'],
    ['wasm', 'wasm:1'],
    ['cpu', 'cpu:0'],
  ];
  const results = await Promise.all(devices.map(([name, device]) => run(name, device)));
  for (const [i, { message, output }] of results.entries()) {
    t.same(message, { device: devices[i][1], sum: 512 });
    t.equal(output, '', 'nothing is printed');
  }
});

const withoutAddon = isAddonBuilt()
  ? false
  : 'the addon of the torch engine is not built (npm run build:native)';

t.test('the torch addon loads and unloads in eight threads, twice', { skip: withoutAddon }, async t => {
  for (let round = 0; round < 2; round++) {
    const ranks = Array.from({ length: 8 }, (_, rank) => rank);
    const results = await Promise.all(ranks.map(rank => run('torch', `cpu:${rank}`)));
    for (const [rank, { message, output }] of results.entries()) {
      t.same(message, { device: `cpu:${rank}`, sum: 512 });
      t.equal(output, '', 'nothing is printed');
    }
  }
});
