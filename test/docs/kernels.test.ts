/** docs/kernels.md is what its script makes of the torch engine's kernels as they are now. */
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';
import { tf } from '../../src/engine/tf.js';
import { registerTorchKernels } from '../../src/engine/torch/kernels/register.js';
import { packageRoot } from '../../src/package-root.js';

const root = packageRoot();
const scriptOf = (name: string): Promise<Record<string, never>> =>
  import(pathToFileURL(join(root, 'scripts', name)).href);
const native = registerTorchKernels();

test('the page is up to date', async t => {
  const { kernelsPage } = (await scriptOf('make-kernels-page.mjs')) as unknown as {
    kernelsPage(native: Iterable<string>, host: Iterable<string>): string;
  };
  const host = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
  const page = readFileSync(join(root, 'docs', 'kernels.md'), 'utf8');
  t.equal(page, kernelsPage(native, host), 'npm run build && node scripts/make-kernels-page.mjs');
});

test('what a model can reach is native', async t => {
  const { reachableKernels } = (await scriptOf('reachable-kernels.mjs')) as unknown as {
    reachableKernels(): Set<string>;
  };
  const reachable = reachableKernels();
  t.ok(reachable.has('Conv2DBackpropFilter') && reachable.has('_FusedMatMul'), 'the scan finds kernels');
  t.strictSame(
    [...reachable].filter(name => !native.has(name)),
    [],
  );
});
