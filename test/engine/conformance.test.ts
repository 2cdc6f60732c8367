/** tfjs-core's own test suite passes on the engines that claim to have everything, with its leak checker on. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { packageRoot } from '../../src/package-root.js';

const runner = join(packageRoot(), '.build', 'test', 'conformance', 'run.js');

/** In a process of its own: jasmine takes the global object over. */
async function passes(t: Test, engine: string): Promise<void> {
  const run = promisify(execFile)(process.execPath, [runner, '--engine', engine], { timeout: 60_000 });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  const [summary, passed, failed, skipped] = stdout.match(/(\d+) passed, (\d+) failed, (\d+) skipped/) ?? [];
  if (failed !== '0') t.comment(stdout);
  t.ok(Number(passed) > 4200, summary ?? 'the suite ran to its end');
  t.equal(Number(failed), 0, 'failures');
  t.equal(Number(skipped), 6, 'five that the suite disables itself, and one of test/conformance/skips.ts');
}

test('cpu', t => passes(t, 'cpu'));

const notBuilt = !isAddonBuilt() && 'the addon of the torch engine is not built (npm run build:native)';
test('torch', { skip: notBuilt }, t => passes(t, 'torch'));
