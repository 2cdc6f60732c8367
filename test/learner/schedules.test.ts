import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { CancelBatchException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { adam, adamW, type Optimizer, sgd } from '../../src/learner/optimizer.js';
import { OneCycleLR, type OneCycleOptions } from '../../src/learner/schedules/one-cycle.js';
import { packageRoot } from '../../src/package-root.js';
import { FakeRunner, fakeLoaders, parameters } from './fake-runner.js';
import { recorder } from './recorder.js';

interface Reference {
  kind: 'sgd' | 'adam' | 'adamw';
  momentum: number | null;
  options: Record<string, number | number[] | string | boolean>;
  steps: { lr: number; momentum: number }[][];
}

const file = join(packageRoot(), 'test/learner/reference/one-cycle.json');
const references = JSON.parse(readFileSync(file, 'utf8')) as Reference[];

const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function build({ kind, momentum, options }: Reference): { opt: Optimizer; scheduler: OneCycleLR } {
  const groups = [{ match: /conv/ }];
  const optFunc =
    kind === 'sgd' ? sgd({ momentum: momentum ?? 0, groups }) : { adam, adamw: adamW }[kind]({ groups });
  const opt = optFunc(parameters, 0.5);
  const ours = Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value]));
  return { opt, scheduler: new OneCycleLR(opt, ours as unknown as OneCycleOptions) };
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

t.test('BatchSchedCB: a new schedule each fit, stepped after each whole training batch', async t => {
  const made: number[] = [];
  const rates: number[] = [];
  const runner = new FakeRunner();
  const sched = new BatchSchedCB((opt, totalSteps) => {
    made.push(totalSteps);
    return {
      step: () => {
        opt.paramGroups[0].lr /= 10;
      },
      getLastLr: () => [],
    };
  });
  const learn = new Learner(runner, fakeLoaders(), { lr: 1, cbs: [new TrainCB(), sched] });
  await learn.fit(2);
  await learn.fit(1);
  rates.push(...runner.stepped.map(([{ lr }]) => lr));
  t.same(made, [4, 2]);
  t.same(rates, [1, 0.1, 0.01, 0.001, 1, 0.1]);
  const cancelling = recorder([], ['beforeBatch'], {
    beforeBatch: ({ iter }) => {
      if (iter === 0) throw new CancelBatchException();
    },
  });
  await learn.fit(1, { cbs: [cancelling] });
  t.equal(runner.stepped.at(-1)![0].lr, 1, 'a cancelled batch does not step');
});
