import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { threadUrl } from '../../src/thread-url.js';

t.test('1,000 steps: not one tensor more, and no more memory after warm-up', async t => {
  // A process of its own: this one also holds the test runner. Garbage is collected before each look, as V8
  // otherwise takes thousands of steps to settle on the size of its heaps.
  const program = fileURLToPath(threadUrl('../fixtures/thousand-steps', import.meta.url));
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program], { env });
  const { before, after } = JSON.parse(stdout);
  t.strictSame(after.replicas, before.replicas);
  const growth = after.rss / before.rss - 1;
  t.ok(growth < 0.05, `RSS grew by ${(growth * 100).toFixed(1)} % of ${Math.round(before.rss / 1e6)} MB`);
});
