/**
 * Against values stored from PyTorch and from the lessons' code (reference/make-optimizers.py): 50 steps, two groups,
 * all options, with the second group frozen for a while and without; on the host's loops and on the torch engine's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFlatMath } from '../../src/engine/flat-math.js';
import { engineFactories, openEngine } from '../../src/engine/registry.js';
import { createOptimizer } from '../../src/nn/optimizers.js';
import { checkOwnOptimizers, type OwnOptimizer } from '../../src/nn/own-rule.js';
import { packageRoot } from '../../src/package-root.js';
import type {
  GroupSettings,
  OptimizerKind,
  OptimizerState,
  ParameterInfo,
} from '../../src/protocol/optimizer.js';

interface Reference {
  sizes: number[];
  groups: number[][];
  steps: number;
  /** First and last step in which the second group of a case that `freezes` is frozen. */
  frozen: [number, number];
  cases: { kind: OptimizerKind; settings: GroupSettings[]; freezes: boolean; values: number[] }[];
}

const file = join(packageRoot(), 'test', 'nn', 'reference', 'optimizers.json');
const { sizes, groups, steps, frozen, cases } = JSON.parse(readFileSync(file, 'utf8')) as Reference;

let length = 0;
const parameters: ParameterInfo[] = sizes.map((size, index) => {
  length += size;
  return { name: `p${index}`, shape: [size], offset: length - size, size };
});

const fill = (target: Float32Array, formula: (index: number, element: number) => number) => {
  for (const [index, { offset, size }] of parameters.entries())
    for (let i = 0; i < size; i++) target[offset + i] = formula(index, i);
};
const initial = (index: number, element: number) => Math.cos(index * 10 + element);
const gradient = (step: number) => (index: number, i: number) =>
  Math.sin(0.7 * step + 1.3 * i + index) + 0.2 * Math.cos(step * step);

const { ok } = await engineFactories.torch.available();
const engines = [
  { name: 'host', math: async () => hostFlatMath },
  {
    name: 'torch',
    skip: !ok && 'the torch engine is not built',
    math: async () => (await openEngine('torch', 'cpu:0')).flatMath,
  },
];

for (const { name, skip = false, math } of engines) {
  t.test(name, { skip }, async t => {
    const loops = await math();
    for (const { kind, settings, freezes, values: expected } of cases) {
      const values = new Float32Array(length);
      const grads = new Float32Array(length);
      fill(values, initial);
      const optimizer = createOptimizer({ kind, groups }, parameters, loops);
      for (let step = 1; step <= steps; step++) {
        fill(grads, gradient(step));
        const isFrozen = freezes && step >= frozen[0] && step <= frozen[1];
        optimizer.step(values, grads, [settings[0], { ...settings[1], frozen: isFrozen }]);
      }
      // float32 rounds at each of the 50 steps, PyTorch's values are of float64: what a rounding costs is relative to
      // the largest value passed on the way, about 1, so errors of smaller values are measured against 1.
      const worst = Math.max(
        ...expected.map((value, i) => Math.abs(values[i] - value) / Math.max(1, Math.abs(value))),
      );
      const what = `${kind} ${JSON.stringify(settings)}${freezes ? ', frozen for a while' : ''}`;
      t.ok(worst < 1e-5, `${what}: largest difference ${worst.toExponential(1)}`);
      const counted = freezes ? steps - (frozen[1] - frozen[0] + 1) : steps;
      t.same(optimizer.steps, [steps, counted]);
    }
  });
}

t.test('parameters of no group stay as they are', async t => {
  const optimizer = createOptimizer({ kind: 'adamw', groups: [[0]] }, parameters);
  const values = new Float32Array(length).fill(1);
  optimizer.step(values, new Float32Array(length).fill(1), [{ lr: 0.1 }]);
  t.ok(values.subarray(0, sizes[0]).every(value => value < 1));
  t.ok(values.subarray(sizes[0]).every(value => value === 1));
});

t.test('a state taken and given to a new optimizer goes on to the same bits', async t => {
  for (const { kind, settings } of cases) {
    const spec = { kind, groups };
    const first = createOptimizer(spec, parameters);
    const values = new Float32Array(length);
    const grads = new Float32Array(length);
    fill(values, initial);
    const step = (optimizer: typeof first, target: Float32Array, number: number) => {
      fill(grads, gradient(number));
      optimizer.step(target, grads, [settings[0], { ...settings[1], frozen: number === 2 }]);
    };
    for (let number = 1; number <= 4; number++) step(first, values, number);
    const copy = values.slice();
    const second = createOptimizer(spec, parameters);
    second.restore(structuredClone(first.state()));
    for (let number = 5; number <= 8; number++) {
      step(first, values, number);
      step(second, copy, number);
    }
    t.same(copy, values, kind);
    t.same(second.steps, [8, 7]);
  }
});

t.test("states that are not the optimizer's are refused, and change nothing", async t => {
  const optimizer = createOptimizer({ kind: 'adam', groups }, parameters);
  const good = optimizer.state();
  const bad: [Partial<OptimizerState>, RegExp][] = [
    [{ spec: { kind: 'adamw', groups } }, /it is of adamw, this is adam/],
    [{ spec: { kind: 'adam', groups: [[0], [1, 2]] } }, /its groups hold other parameters/],
    [{ steps: [1] }, /its counts of steps are \[1\], for 2 groups/],
    [{ steps: [1, -1] }, /its counts of steps/],
    [
      { steps: [3, 3], buffers: { ...good.buffers, square: new Float32Array(2) } },
      /square has 2 numbers, not 58/,
    ],
    [{ buffers: { mean: good.buffers.mean } }, /square has no numbers/],
  ];
  for (const [part, message] of bad)
    t.throws(() => optimizer.restore({ ...good, ...part }), { code: 'E_CONFIG', message });
  t.same(optimizer.steps, [0, 0]);
});

t.test("a recipe's own rule", async t => {
  const spreadsheetAdam = {
    buffers: ['mean', 'square'],
    update({ values, gradients, buffers: { mean, square }, start, end, settings: { lr, beta = 0.9 } }) {
      const decay = beta as number;
      for (let i = start; i < end; i++) {
        mean[i] = decay * mean[i] + (1 - decay) * gradients[i];
        square[i] = decay * square[i] + (1 - decay) * gradients[i] ** 2;
        values[i] -= (lr * mean[i]) / Math.sqrt(square[i]);
      }
    },
  } satisfies OwnOptimizer;
  const own = {
    spreadsheetAdam,
    broken: {
      update() {
        throw new Error('no luck');
      },
    },
  };
  const optimizer = createOptimizer({ kind: 'spreadsheetAdam', groups }, parameters, hostFlatMath, own);
  const values = new Float32Array(length).fill(1);
  const grads = new Float32Array(length).fill(-4);
  optimizer.step(values, grads, [{ lr: 0.1 }, { lr: 0.1, frozen: true }]);
  // The first step of an Adam without correction: 0.1·g/√(0.1·g²).
  t.ok(Math.abs(values[0] - (1 + 0.1 * Math.sqrt(0.1))) < 1e-7);
  t.equal(values[parameters[1].offset], 1, 'a frozen group is not even asked');
  t.same(Object.keys(optimizer.state().buffers), ['mean', 'square']);
  const broken = createOptimizer({ kind: 'broken', groups }, parameters, hostFlatMath, own);
  t.throws(() => broken.step(values, grads, [{ lr: 1 }, { lr: 1 }]), {
    code: 'E_RECIPE',
    message: /'broken' threw: no luck/,
  });
});

t.test("a recipe's optimizers are checked", async t => {
  const error = (optimizers: unknown, message: RegExp) =>
    t.throws(() => checkOwnOptimizers(optimizers, 'r.mjs'), { code: 'E_RECIPE', where: 'r.mjs', message });
  checkOwnOptimizers({ plain: { update() {} } }, 'r.mjs');
  error('adam', /not an object/);
  error({ adam: { update() {} } }, /'adam', which is gradring's own/);
  error({ mine: {} }, /'mine' is not an update rule/);
  error({ mine: { update() {}, buffers: 'mean' } }, /'mine' is not an update rule/);
  error({ mine: { update() {}, buffers: ['a', 'a'] } }, /'mine' is not an update rule/);
});

t.test('specs that make no sense are refused', async t => {
  const make = (kind: string, groups: number[][]) => () => createOptimizer({ kind, groups }, parameters);
  t.throws(make('sgdd', [[0]]), { code: 'E_CONFIG', hint: /sgd, rmsprop, adam, adamw/ });
  t.throws(make('sgd', [[0, 1], [1]]), { code: 'E_CONFIG', message: /p1 is in two groups/ });
  t.throws(make('sgd', [[3]]), { code: 'E_CONFIG', message: /3 does not exist/ });
  const optimizer = createOptimizer({ kind: 'sgd', groups }, parameters);
  t.throws(() => optimizer.step(new Float32Array(length), new Float32Array(length), [{ lr: 1 }]), {
    code: 'E_CONFIG',
    message: /2 parameter groups/,
  });
});
