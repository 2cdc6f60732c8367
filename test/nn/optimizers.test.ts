/** Against values stored from PyTorch (reference/make-optimizers.py): 50 steps, two groups, all options. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createOptimizer } from '../../src/nn/optimizers.js';
import { packageRoot } from '../../src/package-root.js';
import type { GroupSettings, OptimizerKind, ParameterInfo } from '../../src/protocol/optimizer.js';

interface Reference {
  sizes: number[];
  groups: number[][];
  steps: number;
  cases: { kind: OptimizerKind; settings: GroupSettings[]; values: number[] }[];
}

const file = join(packageRoot(), 'test', 'nn', 'reference', 'optimizers.json');
const { sizes, groups, steps, cases } = JSON.parse(readFileSync(file, 'utf8')) as Reference;

let length = 0;
const parameters: ParameterInfo[] = sizes.map((size, index) => {
  length += size;
  return { name: `p${index}`, shape: [size], offset: length - size, size };
});

const fill = (target: Float32Array, formula: (index: number, element: number) => number) => {
  for (const [index, { offset, size }] of parameters.entries())
    for (let i = 0; i < size; i++) target[offset + i] = formula(index, i);
};

for (const { kind, settings, values: expected } of cases) {
  t.test(`${kind} ${JSON.stringify(settings)}`, async t => {
    const values = new Float32Array(length);
    const grads = new Float32Array(length);
    fill(values, (index, element) => Math.cos(index * 10 + element));
    const optimizer = createOptimizer({ kind, groups }, parameters);
    for (let step = 1; step <= steps; step++) {
      fill(grads, (index, i) => Math.sin(0.7 * step + 1.3 * i + index) + 0.2 * Math.cos(step * step));
      optimizer.step(values, grads, settings);
    }
    // float32 rounds at each of the 50 steps; errors are relative to the largest value passed on the way, about 1.
    const worst = Math.max(
      ...expected.map((value, i) => Math.abs(values[i] - value) / Math.max(1, Math.abs(value))),
    );
    t.ok(worst < 1e-5, `largest relative difference ${worst.toExponential(1)}`);
  });
}

t.test('parameters of no group stay as they are', async t => {
  const optimizer = createOptimizer({ kind: 'adamw', groups: [[0]] }, parameters);
  const values = new Float32Array(length).fill(1);
  optimizer.step(values, new Float32Array(length).fill(1), [{ lr: 0.1 }]);
  t.ok(values.subarray(0, sizes[0]).every(value => value < 1));
  t.ok(values.subarray(sizes[0]).every(value => value === 1));
});

t.test('specs that make no sense are refused', async t => {
  const make = (kind: string, groups: number[][]) => () =>
    createOptimizer({ kind: kind as OptimizerKind, groups }, parameters);
  t.throws(make('sgdd', [[0]]), { code: 'E_CONFIG', hint: /sgd, adam, adamw/ });
  t.throws(make('sgd', [[0, 1], [1]]), { code: 'E_CONFIG', message: /p1 is in two groups/ });
  t.throws(make('sgd', [[3]]), { code: 'E_CONFIG', message: /3 does not exist/ });
  const optimizer = createOptimizer({ kind: 'sgd', groups }, parameters);
  t.throws(() => optimizer.step(new Float32Array(length), new Float32Array(length), [{ lr: 1 }]), {
    code: 'E_CONFIG',
    message: /2 parameter groups/,
  });
});
