import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lessonSgd } from '../../src/learner/lesson-optimizers.js';
import { adam, adamW, type Optimizer, rmsprop, sgd } from '../../src/learner/optimizer.js';
import { splitLayers } from '../../src/learner/param-groups.js';
import { CosineAnnealingLR } from '../../src/learner/schedules/cosine-annealing.js';
import { ExponentialLR } from '../../src/learner/schedules/exponential.js';
import { FlatCosLR } from '../../src/learner/schedules/flat-cos.js';
import { LinearLR } from '../../src/learner/schedules/linear.js';
import { OneCycleLR, type OneCycleOptions } from '../../src/learner/schedules/one-cycle.js';
import { ReduceLROnPlateau } from '../../src/learner/schedules/reduce-on-plateau.js';
import type { Scheduler } from '../../src/learner/schedules/scheduler.js';
import { SequentialLR } from '../../src/learner/schedules/sequential.js';
import { packageRoot } from '../../src/package-root.js';
import { parameters } from './fake-runner.js';

interface Reference {
  kind: 'sgd' | 'adam' | 'adamw';
  momentum: number | null;
  options: Record<string, number | number[] | string | boolean>;
  steps: { lr: number; momentum: number }[][];
}

const load = (name: string) =>
  JSON.parse(readFileSync(join(packageRoot(), 'test/learner/reference', `${name}.json`), 'utf8'));
const references: Reference[] = load('one-cycle');

const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** PyTorch's options under our names. */
const renamed = <Options>(options: Reference['options']): Options =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value])) as Options;

function build({ kind, momentum, options }: Reference): { opt: Optimizer; scheduler: OneCycleLR } {
  const groups = [{ match: /conv/ }];
  const optFunc =
    kind === 'sgd' ? sgd({ momentum: momentum ?? 0, groups }) : { adam, adamw: adamW }[kind]({ groups });
  const opt = optFunc(parameters, 0.5);
  return { opt, scheduler: new OneCycleLR(opt, renamed(options)) };
}

t.test('OneCycleLR goes through the settings that PyTorch goes through', async t => {
  t.equal(references.length, 6);
  for (const reference of references) {
    const { opt, scheduler } = build(reference);
    let worst = 0;
    for (const [step, expected] of reference.steps.entries()) {
      if (step > 0) scheduler.step();
      // The last lands past the end, where a linear rate is below 0: that one must not be trained with.
      if (step < reference.steps.length - 1) opt.settings();
      for (const [i, { lr, momentum }] of expected.entries()) {
        const group = opt.paramGroups[i];
        const ourMomentum = group.betas ? group.betas[0] : group.momentum!;
        t.equal(group.betas?.[1] ?? 0.999, 0.999, 'only the first beta cycles');
        worst = Math.max(worst, Math.abs(group.lr - lr), Math.abs(ourMomentum - momentum));
      }
      t.same(
        scheduler.getLastLr(),
        opt.paramGroups.map(({ lr }) => lr),
      );
    }
    t.ok(worst < 1e-12, `${reference.kind} ${JSON.stringify(reference.options)}: ${worst}`);
    t.throws(() => scheduler.step(), { code: 'E_LEARNER', message: /more than its totalSteps/ });
  }
});

t.test('OneCycleLR options out of range are refused by name', t => {
  const opt = sgd()(parameters, 0.1);
  const good = { maxLr: 0.1, totalSteps: 10 };
  const bad: [keyof OneCycleOptions, unknown][] = [
    ['totalSteps', 0],
    ['totalSteps', 2.5],
    ['maxLr', [0.1, 0.2]],
    ['maxLr', Number.NaN],
    ['pctStart', 1.1],
    ['annealStrategy', 'cosine'],
    ['annealStrategy', 'toString'],
    ['divFactor', 0],
    ['finalDivFactor', -1],
    ['baseMomentum', [0.8, 0.9]],
  ];
  for (const [name, value] of bad)
    t.throws(
      () => new OneCycleLR(opt, { ...good, [name]: value } as OneCycleOptions),
      { code: 'E_CONFIG', where: `OneCycleLR ${name}` },
      `${name} ${value}`,
    );
  t.end();
});

t.test('OneCycleLR needs a momentum to cycle, and a range of rates is spread over the groups', t => {
  const plain = lessonSgd({ groups: splitLayers(2) })(parameters, 0.1);
  t.throws(() => new OneCycleLR(plain, { maxLr: 1, totalSteps: 10 }), {
    code: 'E_CONFIG',
    message: /lessonSgd has no momentum/,
  });
  new OneCycleLR(plain, { maxLr: { from: 0.25, to: 1 }, totalSteps: 10, cycleMomentum: false });
  const [low, high] = plain.settings().map(({ lr }) => lr);
  t.ok(Math.abs(low - 0.01) < 1e-15 && Math.abs(high - 0.04) < 1e-15, `${low} … ${high}`);
  const opt = rmsprop()(parameters, 0.1);
  new OneCycleLR(opt, { maxLr: 1, totalSteps: 10 });
  t.equal(opt.paramGroups[0].momentum, 0.95, 'as in PyTorch, it is turned on');
  t.end();
});

interface RateReference {
  kind: 'cosine' | 'exponential' | 'linear' | 'plateau' | 'sequential' | 'flatCos';
  options: Reference['options'];
  rates: number[];
  metrics?: number[];
  /** Rates of both groups: at first and after each step; for `plateau` after each only. */
  lrs: number[][];
}

const rateReferences: RateReference[] = load('schedules');

const makers: Record<
  Exclude<RateReference['kind'], 'plateau'>,
  (opt: Optimizer, options: never) => Scheduler
> = {
  cosine: (opt, options) => new CosineAnnealingLR(opt, options),
  exponential: (opt, options) => new ExponentialLR(opt, options),
  linear: (opt, options) => new LinearLR(opt, options),
  flatCos: (opt, options) => new FlatCosLR(opt, options),
  sequential: (opt, { milestone, steps }: { milestone: number; steps: number }) =>
    new SequentialLR(opt, [
      { steps: milestone, make: opt => new LinearLR(opt, { startFactor: 0.1, totalIters: milestone }) },
      { make: opt => new CosineAnnealingLR(opt, { tMax: steps - milestone }) },
    ]),
};

const twoGroups = (rates: number[]) => sgd({ groups: splitLayers(2) })(parameters, rates);

/** eta_min is etaMin to us, T_max is tMax. */
const optionsOf = ({ T_max, ...options }: Reference['options']) =>
  renamed<never>({ ...options, ...(T_max === undefined ? {} : { t_max: T_max }) });

t.test('the other schedules go through the rates that those of PyTorch and fast.ai go through', t => {
  const counts = new Map<string, number>();
  for (const { kind, options, rates, metrics, lrs } of rateReferences) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const opt = twoGroups(rates);
    let step: (i: number) => void;
    if (kind === 'plateau') {
      const scheduler = new ReduceLROnPlateau(opt, renamed(options));
      step = i => scheduler.step(metrics![i]);
    } else {
      const scheduler = makers[kind](opt, optionsOf(options));
      step = i => (i > 0 ? scheduler.step() : undefined);
    }
    let worst = 0;
    for (const [i, expected] of lrs.entries()) {
      step(i);
      for (const [group, lr] of expected.entries())
        worst = Math.max(worst, Math.abs(opt.paramGroups[group].lr - lr));
    }
    t.ok(worst < 1e-12, `${kind} ${JSON.stringify(options)}: ${worst}`);
  }
  t.same(Object.fromEntries(counts), {
    cosine: 3,
    exponential: 3,
    linear: 3,
    plateau: 4,
    sequential: 2,
    flatCos: 3,
  });
  t.end();
});

t.test('a schedule restored from its state goes on to the same bits', t => {
  const roundTrip = (state: unknown) => JSON.parse(JSON.stringify(state));
  const cases: [string, (opt: Optimizer) => Scheduler][] = [
    ['oneCycle', opt => new OneCycleLR(opt, { maxLr: [1, 2], totalSteps: 30 })],
    ...rateReferences.flatMap(({ kind, options }): [string, (opt: Optimizer) => Scheduler][] =>
      kind === 'plateau' ? [] : [[kind, opt => makers[kind](opt, optionsOf(options))]],
    ),
  ];
  for (const [kind, make] of cases) {
    for (const stop of [0, 4, 10]) {
      const first = twoGroups([0.1, 0.3]);
      const scheduler = make(first);
      for (let step = 0; step < stop; step++) scheduler.step();
      const second = twoGroups([0.1, 0.3]);
      const resumed = make(second);
      resumed.restore(roundTrip(scheduler.state()));
      t.same(second.paramGroups, first.paramGroups, `${kind} after ${stop}`);
      for (let step = 0; step < 9; step++) {
        scheduler.step();
        resumed.step();
      }
      t.same(second.paramGroups, first.paramGroups, `${kind} nine steps later`);
    }
  }
  const { metrics } = rateReferences.find(({ kind }) => kind === 'plateau')!;
  for (const stop of [0, 8, 20]) {
    const first = twoGroups([0.1, 0.3]);
    const second = twoGroups([0.1, 0.3]);
    const options = { patience: 1, cooldown: 2 };
    const plateau = new ReduceLROnPlateau(first, options);
    for (const value of metrics!.slice(0, stop)) plateau.step(value);
    const resumed = new ReduceLROnPlateau(second, options);
    resumed.restore(roundTrip(plateau.state()));
    // The rates are the optimizer's, and saved with it.
    for (const [i, group] of second.paramGroups.entries()) group.lr = first.paramGroups[i].lr;
    for (const value of metrics!.slice(stop)) t.equal(resumed.step(value), plateau.step(value));
    t.same(second.paramGroups, first.paramGroups);
  }
  t.end();
});

t.test('a schedule made with other rates goes on with its own', t => {
  for (const { kind, options } of rateReferences) {
    if (kind === 'plateau') continue;
    const [first, second, whole] = [
      [0.1, 0.3],
      [0.2, 0.5],
      [0.2, 0.5],
    ].map(twoGroups);
    const [before, resumed, expected] = [first, second, whole].map(opt =>
      makers[kind](opt, optionsOf(options)),
    );
    for (let step = 0; step < 7; step++) for (const scheduler of [before, expected]) scheduler.step();
    // As a fit that goes on in a later epoch.
    resumed.step();
    resumed.restore(before.state());
    t.same(second.paramGroups, whole.paramGroups, kind);
    resumed.step();
    expected.step();
    t.same(second.paramGroups, whole.paramGroups, kind);
  }
  t.end();
});

t.test('states and options out of range are refused by name', t => {
  const opt = twoGroups([0.1, 0.3]);
  const error = (make: () => unknown, where: string) => t.throws(make, { code: 'E_CONFIG', where }, where);
  const cosine = new CosineAnnealingLR(opt, { tMax: 5 });
  error(() => cosine.restore({}), 'CosineAnnealingLR state.steps');
  error(() => cosine.restore({ steps: 1, baseLrs: [1] }), 'CosineAnnealingLR state.baseLrs');
  const oneCycle = new OneCycleLR(opt, { maxLr: 1, totalSteps: 9 });
  error(() => oneCycle.restore({ steps: 2, totalSteps: 10 }), 'OneCycleLR totalSteps');
  error(() => new CosineAnnealingLR(opt, { tMax: 0 }), 'CosineAnnealingLR tMax');
  error(() => new ExponentialLR(opt, { gamma: -1 }), 'ExponentialLR gamma');
  error(() => new LinearLR(opt, { startFactor: 0 }), 'LinearLR startFactor');
  error(() => new FlatCosLR(opt, { totalSteps: 10, pctStart: 2 }), 'FlatCosLR pctStart');
  error(() => new ReduceLROnPlateau(opt, { factor: 1 }), 'ReduceLROnPlateau factor');
  error(() => new ReduceLROnPlateau(opt, { minLr: [0] }), 'ReduceLROnPlateau minLr');
  error(() => new SequentialLR(opt, []), 'SequentialLR parts');
  const noEnd = { make: () => cosine };
  error(() => new SequentialLR(opt, [noEnd, noEnd]), 'SequentialLR steps');
  t.end();
});
