import t from 'tap';
import { adam, adamW, sgd } from '../../src/learner/optimizer.js';
import { parameters } from './fake-runner.js';

t.test("defaults are PyTorch's", t => {
  t.same(sgd()(parameters, 0.1).settings(), [
    { lr: 0.1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
  ]);
  t.same(adam()(parameters, 0.1).settings(), [{ lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 }]);
  t.same(adamW()(parameters, 0.1).settings(), [
    { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 },
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
