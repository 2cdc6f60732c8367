/**
 * Writes docs/kernels.md from the kernels that the torch engine registers. Run it after a change of those:
 *
 *     npm run build && node scripts/make-kernels-page.mjs
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { allKernels, reachableKernels } from './reachable-kernels.mjs';

const introduction = `# Kernels of the torch engine

<!-- Written by scripts/make-kernels-page.mjs from the kernels as registered: change those, and run the script. -->

A kernel is the unit that TensorFlow.js asks of an engine. A **native** one runs in LibTorch on the engine's device. For the rest the kernel of the \`cpu\` engine runs on **host copies** of the inputs: the result is the same, a GPU waits for it, and the engine says its name once. Strings and complex numbers have no other home than host memory, whatever the kernel. **None** is what no operation asks of an engine: TensorFlow.js has the name, and composes others.

The column *models* says what training or inference of a \`tf.LayersModel\` can reach, read from the import lines of tfjs-layers and of the gradients in tfjs-core.

\`npm run conformance -- --engine torch\` runs the 4,230 specs of TensorFlow.js's own test suite on the engine, with its leak checker on; \`--device cuda:0\` on a GPU. On a processor, with LibTorch 1.13 and 2.11, none fails. Five are disabled by the suite itself; one, which stock tfjs-node leaves out too, expects a gradient of average pooling that is not that of its forward pass.`;

/**
 * The page.
 *
 * @param {Iterable<string>} native kernels of the torch engine's own
 * @param {Iterable<string>} host kernels of the cpu backend
 */
export function kernelsPage(native, host) {
  const [natives, hosts, reachable] = [new Set(native), new Set(host), reachableKernels()];
  const names = [...new Set([...allKernels(), ...natives, ...hosts])].sort();
  const kindOf = name => (natives.has(name) ? 'native' : hosts.has(name) ? 'host copies' : 'none');
  const count = kind => names.filter(name => kindOf(name) === kind).length;
  const missing = names.filter(name => reachable.has(name) && !natives.has(name));
  const rows = names.map(name => `| \`${name}\` | ${kindOf(name)} | ${reachable.has(name) ? 'yes' : ''} |`);
  return `${[
    introduction,
    `${names.length} kernels: ${count('native')} native, ${count('host copies')} through host copies, ${count('none')} none. Of the ${reachable.size} that models can reach, ${missing.length === 0 ? 'all are native' : `these are not native: ${missing.map(name => `\`${name}\``).join(', ')}`}.`,
    ['| kernel | on torch | models |', '|---|---|---|', ...rows].join('\n'),
  ].join('\n\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await import('@tensorflow/tfjs-backend-cpu');
  const { tf } = await import('../dist/engine/tf.js');
  const { registerTorchKernels } = await import('../dist/engine/torch/kernels/register.js');
  const host = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
  writeFileSync(new URL('../docs/kernels.md', import.meta.url), kernelsPage(registerTorchKernels(), host));
}
