import t from 'tap';
import { ratesOf } from '../../src/learner/learning-rate.js';
import { lessonAdam, lessonMomentum, lessonRmsprop, lessonSgd } from '../../src/learner/lesson-optimizers.js';
import { adam, adamW, type OptFunc, recipeOptimizer, rmsprop, sgd } from '../../src/learner/optimizer.js';
import { splitLayers } from '../../src/learner/param-groups.js';
import { parameters } from './fake-runner.js';

t.test("defaults are PyTorch's", t => {
  t.same(sgd()(parameters, 0.1).settings(), [
    { lr: 0.1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
  ]);
  t.same(adam()(parameters, 0.1).settings(), [{ lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 }]);
  t.same(adamW()(parameters, 0.1).settings(), [
    { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 },
  ]);
  t.same(rmsprop()(parameters, 0.1).settings(), [
    { lr: 0.1, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  ]);
  t.same(adamW()(parameters, 0.1).spec, { kind: 'adamw', groups: [[0, 1, 2, 3]] });
  t.end();
});

t.test('groups: first match wins, the rest come last, own settings over shared ones', t => {
  const opt = sgd({
    momentum: 0.9,
    groups: [
      { match: /bias$/g, weightDecay: 0 },
      { match: ({ shape }) => shape.length === 2, lr: 0.01, momentum: 0.5 },
    ],
    weightDecay: 1e-4,
  })(parameters, 0.1);
  t.same(opt.spec, { kind: 'sgd', groups: [[1, 3], [2], [0]] });
  t.match(opt.settings(), [
    { lr: 0.1, momentum: 0.9, weightDecay: 0 },
    { lr: 0.01, momentum: 0.5, weightDecay: 1e-4 },
    { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 },
  ]);
  const all = sgd({ groups: [{ match: /./ }] })(parameters, 0.1);
  t.same(all.spec.groups, [[0, 1, 2, 3]], 'no empty rest');
  t.end();
});

t.test("those of the lessons have the lessons' defaults, a recipe's own has what it is given", t => {
  const settings = (optFunc: OptFunc) => optFunc(parameters, 0.1).settings();
  t.same(settings(lessonSgd()), [{ lr: 0.1, weightDecay: 0 }]);
  t.same(settings(lessonMomentum()), [{ lr: 0.1, momentum: 0.9, weightDecay: 0 }]);
  t.same(settings(lessonRmsprop()), [{ lr: 0.1, alpha: 0.99, eps: 1e-5, weightDecay: 0 }]);
  t.same(settings(lessonAdam()), [{ lr: 0.1, betas: [0.9, 0.99], eps: 1e-5, weightDecay: 0 }]);
  const own = recipeOptimizer('lion', { betas: [0.9, 0.99], nesterov: 'sometimes' })(parameters, 0.1);
  t.same(own.settings(), [{ lr: 0.1, betas: [0.9, 0.99], nesterov: 'sometimes' }]);
  t.equal(own.kind, 'lion');
  t.end();
});

t.test('splitLayers: groups of layers in the order of the model', t => {
  const named = (...names: string[]) => names.map((name, offset) => ({ name, shape: [1], offset, size: 1 }));
  const model = named('stem/kernel', 'a/b/kernel', 'a/b/bias', 'bn/gamma', 'head/kernel', 'head/bias');
  t.same(splitLayers(1)(model), [[0, 1, 2, 3, 4, 5]]);
  t.same(splitLayers(2)(model), [
    [0, 1, 2],
    [3, 4, 5],
  ]);
  t.same(splitLayers(3)(model), [[0], [1, 2, 3], [4, 5]]);
  t.same(splitLayers(['head'])(model), [
    [0, 1, 2, 3],
    [4, 5],
  ]);
  t.same(splitLayers([/^a/, /^h/g])(model), [[0], [1, 2, 3], [4, 5]]);
  for (const parts of [0, 5, 1.5, ['head', 'bn'], ['stem'], ['hea']])
    t.throws(() => splitLayers(parts)(model), { code: 'E_CONFIG', where: 'splitLayers' }, `${parts}`);
  t.end();
});

t.test('rates: one, one for each group, or a range at equal ratios', t => {
  t.same(ratesOf(0.1, 3), [0.1, 0.1, 0.1]);
  t.same(ratesOf([1, 0], 2), [1, 0]);
  t.same(ratesOf({ from: 0.25, to: 4 }, 5), [0.25, 0.5, 1, 2, 4]);
  t.same(ratesOf({ from: 0.25, to: 4 }, 1), [4], 'a single group is the last one');
  for (const rate of [Number.NaN, -1, [1], [1, -1], { from: 0, to: 1 }, { from: 1, to: Number.NaN }])
    t.throws(() => ratesOf(rate, 2), { code: 'E_CONFIG', where: /^lr/ }, JSON.stringify(rate));
  const opt = sgd({ groups: splitLayers(2) })(parameters, { from: 0.01, to: 1 });
  t.same(
    opt.paramGroups.map(({ lr }) => lr),
    [0.01, 1],
  );
  const twice = sgd({ groups: [{ match: /conv/, lr: 1 }] });
  t.throws(() => twice(parameters, [1, 2]), { code: 'E_CONFIG', message: /given twice/ });
  t.end();
});

t.test('freezeTo freezes the groups before one', t => {
  const opt = sgd({ groups: [{ match: /conv/, frozen: true }, { match: /kernel/ }] })(parameters, 0.1);
  const frozen = () => opt.settings().map(group => group.frozen ?? false);
  t.same(frozen(), [true, false, false], 'as the option says');
  opt.freezeTo(-1);
  t.same(frozen(), [true, true, false]);
  opt.freezeTo(1);
  t.same(frozen(), [true, false, false]);
  opt.freezeTo(0);
  t.same(frozen(), [false, false, false]);
  for (const first of [3, -4, 0.5])
    t.throws(() => opt.freezeTo(first), { code: 'E_CONFIG', where: 'freezeTo' });
  t.end();
});

t.test('the next step uses what stands in paramGroups', t => {
  const opt = adam()(parameters, 0.1);
  const sent = opt.settings();
  opt.paramGroups[0].lr = 0.5;
  t.equal(sent[0].lr, 0.1, 'what was sent is a copy');
  t.equal(opt.settings()[0].lr, 0.5);
  opt.paramGroups[0].lr = Number.NaN;
  t.throws(() => opt.settings(), { code: 'E_CONFIG', where: 'paramGroups[0]' });
  t.not(adam()(parameters, 1).paramGroups[0].betas, adam()(parameters, 1).paramGroups[0].betas);
  t.end();
});

t.test('mistakes are told before anything is started', t => {
  const error = (make: () => unknown, message: RegExp) => t.throws(make, { code: 'E_CONFIG', message });
  error(() => sgd({ momentum: -1 }), /momentum must be/);
  error(() => sgd({ nesterov: true }), /nesterov needs/);
  error(() => sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 }), /nesterov needs/);
  error(() => adam({ betas: [0.9, 1] }), /betas must be/);
  error(() => adamW({ weightDecay: Number.NaN }), /weightDecay must be/);
  error(() => adam({ groups: [{ match: /x/, eps: -1 }] }), /eps must be/);
  const loose = (options: object) => () => sgd(options);
  error(() => rmsprop({ alpha: 1 }), /alpha must be/);
  error(() => lessonMomentum({ momentum: -1 }), /momentum must be/);
  error(() => recipeOptimizer('mine', { weightDecay: -1 }), /weightDecay must be/);
  error(() => recipeOptimizer('mine', { f: [() => 0] }), /f must be data/);
  error(loose({ lr: 0.1 }), /takes no lr of its own/);
  error(loose({ betas: [0.9, 0.99] }), /no setting betas/);
  error(loose({ momentun: 0.9 }), /no setting momentun/);
  error(loose({ groups: [{ match: /x/, weightdecay: 0 }] }), /no setting weightdecay/);
  error(() => sgd()(parameters, -1), /lr must be/);
  error(() => sgd({ groups: [{ match: /norm/ }] })(parameters, 0.1), /groups\[0\] matches no parameter/);
  error(
    () => sgd({ groups: [{ match: /kernel/ }, { match: /conv2d_1.kernel/ }] })(parameters, 0.1),
    /groups\[1\] matches no parameter/,
  );
  t.end();
});
