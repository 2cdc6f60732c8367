/**
 * Which kernels training or inference of a `tf.LayersModel` can reach, read from the import lines of tfjs: the
 * operations that tfjs-layers and the optimizers name, what those call, and the gradients of all these, to the end.
 * What only some option of an operation reaches is counted too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const require = createRequire(import.meta.url);
const core = dirname(require.resolve('@tensorflow/tfjs-core'));
const layers = dirname(require.resolve('@tensorflow/tfjs-layers'));

/** Single modules of a folder, without tests and the bundles beside them. */
const modules = folder =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.js') && !name.includes('_test') && !name.startsWith('tf-'))
    .map(name => join(folder, name));

const textOf = file =>
  readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\/\/.*$/gm, '');

const namesIn = list => list.split(',').map(name => name.trim().split(' as ').pop());

/** Collections such as `tf.image` are no operations: what is used of them is named after the dot. */
const collections = join(core, 'ops', 'ops.js');

/** The module of each operation, by its public name. */
function operationModules() {
  const found = new Map();
  for (const file of modules(join(core, 'ops'))) {
    if (file === collections) continue;
    const exported = textOf(file).matchAll(/^export (?:(?:const|(?:async )?function) (\w+)|\{([^}]+)\})/gm);
    for (const [, one, list] of exported) for (const name of namesIn(one ?? list)) found.set(name, file);
  }
  return found;
}

/** The operations that tfjs-layers names: imported ones, and `tfc.name`, `tfc.image.name`, `linalg.name`. */
function operationsOfLayers() {
  const names = new Set();
  for (const file of modules(layers)) {
    const text = textOf(file);
    for (const [, list] of text.matchAll(/^import \{([^}]+)\} from '@tensorflow\/tfjs-core'/gm))
      for (const name of list.split(',')) names.add(name.trim().split(' as ')[0]);
    for (const [, name] of text.matchAll(/\b(?:tfc|image|linalg|losses|math|spectral|fused)\.(\w+)/g))
      names.add(name);
  }
  return names;
}

/** The module with the gradient of each kernel. */
function gradientModules() {
  const found = new Map();
  for (const file of modules(join(core, 'gradients'))) {
    const [, kernel] = textOf(file).match(/kernelName: (\w+)/) ?? [];
    if (kernel) found.set(kernel, file);
  }
  return found;
}

/** Every kernel that tfjs-core knows of: the constant's name and the kernel's own. */
const kernelNames = new Map(
  [...textOf(join(core, 'kernel_names.js')).matchAll(/^export const (\w+) = '(\w+)'/gm)].map(
    ([, constant, name]) => [constant, name],
  ),
);

/** An operation such as `abs` has a branch for complex numbers; the tensors of a model are none. */
const complexOnly = new Set(['Complex', 'ComplexAbs', 'Real', 'Imag']);

export const allKernels = () => [...kernelNames.values()];

/** @returns {Set<string>} */
export function reachableKernels() {
  const operations = operationModules();
  const gradients = gradientModules();
  const named = [...operationsOfLayers()].map(name => operations.get(name)).filter(Boolean);
  const files = new Set([
    ...named,
    ...modules(join(core, 'optimizers')),
    join(core, 'gradients.js'),
    join(core, 'engine.js'),
  ]);
  const reached = new Set();
  // A set is walked in the order of insertion, with what the walk itself adds.
  for (const file of files) {
    if (file === collections) continue;
    for (const [, imported, from] of textOf(file).matchAll(/^import ([^;]*?) from '(\.[^']+)'/gm)) {
      const target = `${resolve(dirname(file), from)}.js`;
      if (/\/(ops|gradients|optimizers)\//.test(target)) files.add(target);
      if (!target.endsWith('kernel_names.js')) continue;
      for (const constant of namesIn(imported.replace(/[{}]/g, ''))) {
        const name = kernelNames.get(constant);
        if (name === undefined || complexOnly.has(name)) continue;
        reached.add(name);
        if (gradients.has(constant)) files.add(gradients.get(constant));
      }
    }
  }
  return reached;
}
