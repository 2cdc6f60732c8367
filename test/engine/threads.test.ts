/** Engines in worker threads: each has a heap of its own, and none of them prints. */
import { Worker } from 'node:worker_threads';
import t from 'tap';
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
